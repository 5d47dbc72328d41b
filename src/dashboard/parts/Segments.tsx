/** A choice between few: one button is pressed. */
export const Segments = <T extends string | number>({
  label,
  choices,
  chosen,
  onChoose,
}: {
  label: string;
  choices: readonly { value: T; text: string }[];
  chosen: T;
  onChoose: (value: T) => void;
}) => (
  <fieldset class="segments">
    <legend class="hidden">{label}</legend>
    {choices.map(({ value, text }) => (
      <button key={value} type="button" aria-pressed={value === chosen} onClick={() => onChoose(value)}>
        {text}
      </button>
    ))}
  </fieldset>
);
