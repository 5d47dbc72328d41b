import type { Settings } from '../config/schema.ts';
import type { StreamEvent } from '../data-plane/event-history.ts';
import type { PreviewSource } from './dashboard-preview.ts';
import type { ShareStore } from './dashboard-shares.ts';
import type { SettingView } from './dashboard-types.ts';
import type { StatsDeps } from './deps.ts';
import type { NodeWatch } from './node-watch.ts';
import type { NodePorts } from './stream-urls.ts';

/** What the dashboard needs of a node beyond what the statistics do. */
export interface DashboardDeps extends StatsDeps {
  events: {
    of(publisherId: string): readonly StreamEvent[];
    onEvent(listener: (event: StreamEvent) => void): () => void;
  };
  settings: StatsDeps['settings'] & Pick<Settings, 'dashboard' | 'dataDir'>;
  watch: NodeWatch;
  shares: ShareStore;
  /** In the URLs to paste. */
  publicHost: string;
  ports: () => NodePorts;
  settingViews: () => readonly SettingView[];
  /** Where the built pages are. */
  pagesDir: string;
  /** Undefined where nobody may watch. */
  preview: PreviewSource | undefined;
}
