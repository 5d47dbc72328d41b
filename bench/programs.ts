import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const BENCH = import.meta.dirname;
export const ROOT = resolve(BENCH, '..');
const BUILD = join(BENCH, 'build');

/** The C++ programs, by name; `srt` where they need libsrt. */
const PROGRAMS = {
  load: { source: 'programs/load.cc', srt: false },
  flood: { source: 'programs/flood.cc', srt: false },
  sink: { source: 'programs/sink.cc', srt: false },
  caller: { source: 'programs/caller.cc', srt: true },
  players: { source: 'programs/players.cc', srt: true },
  perpacket: { source: 'reference/perpacket.cc', srt: false },
  floor: { source: 'reference/floor.cc', srt: false },
  minirelay: { source: 'reference/minirelay.cc', srt: true },
} as const;

export type ProgramName = keyof typeof PROGRAMS;

export const programPath = (name: ProgramName): string => join(BUILD, name);

/** Compiled before the last change of its source, or of a header. */
const isStale = (name: ProgramName): boolean => {
  if (!existsSync(programPath(name))) return true;
  const headers = readdirSync(join(BENCH, 'programs')).filter((file) => file.endsWith('.h'));
  const sources = [PROGRAMS[name].source, ...headers.map((file) => join('programs', file))];
  const newest = Math.max(...sources.map((file) => statSync(join(BENCH, file)).mtimeMs));
  return statSync(programPath(name)).mtimeMs < newest;
};

const srtFlags = (): string[] => {
  try {
    return execFileSync('pkg-config', ['--cflags', '--libs', 'srt'], { encoding: 'utf8' }).trim().split(/\s+/);
  } catch {
    return ['-lsrt'];
  }
};

const compile = (name: ProgramName): Promise<void> =>
  new Promise((done, fail) => {
    const { source, srt } = PROGRAMS[name];
    const args = ['-std=c++17', '-O2', '-o', programPath(name), join(BENCH, source), ...(srt ? srtFlags() : [])];
    const compiler = spawn('g++', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    compiler.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    compiler.once('error', (error) => fail(new Error(`g++ does not start (${error.message}): install it`)));
    compiler.once('close', (code) =>
      code === 0 ? done() : fail(new Error(`bench/${source} does not compile:\n${errors.slice(0, 2_000)}`)),
    );
  });

/** Compiles what is missing or older than its source, into bench/build. */
export const buildPrograms = async (onCompile: (name: string) => void): Promise<void> => {
  mkdirSync(BUILD, { recursive: true });
  for (const name of Object.keys(PROGRAMS) as ProgramName[]) {
    if (!isStale(name)) continue;
    onCompile(name);
    await compile(name);
  }
};
