import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../support/processes.ts';

const CHILD = new URL('./udp-options-child.ts', import.meta.url).pathname;

/** Stands for a kernel that does not know the options of the variable LACKS: `level:option`, each followed by a comma. */
const KERNEL = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
int setsockopt(int descriptor, int level, int option, const void* value, socklen_t length) {
  char name[32];
  snprintf(name, sizeof name, "%d:%d,", level, option);
  const char* lacks = getenv("LACKS");
  if (lacks != NULL && strstr(lacks, name) != NULL) {
    errno = ENOPROTOOPT;
    return -1;
  }
  int (*real)(int, int, int, const void*, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
  return real(descriptor, level, option, value, length);
}
`;
const SO_TIMESTAMPNS = ['1:35,', '1:64,'];
const PKTINFO = ['0:8,', '41:49,'];
const IPV6_V6ONLY = ['41:26,'];

describe('a kernel that does not know every UDP option', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-unit-'));
  const library = join(folder, 'kernel.so');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeAll(() => {
    execFileSync('c++', ['-x', 'c', '-shared', '-fPIC', '-o', library, '-', '-ldl'], { input: KERNEL });
  });

  const run = async (lacks: string[], ...args: string[]): Promise<object> => {
    const env = { LD_PRELOAD: library, LACKS: lacks.map((one) => `,${one}`).join('') };
    const program = new Program(process.execPath, [CHILD, ...args], { env });
    expect(await program.exited, program.output).toBe(0);
    return JSON.parse(program.output);
  };

  test('does without those that can be done without, and says so', async () => {
    expect(await run([...SO_TIMESTAMPNS, ...PKTINFO], 'auto', '0.0.0.0')).toEqual({
      transport: 'batched',
      answer: '9201',
      warnings: [
        {
          text: expect.stringContaining('does not know every UDP option'),
          address: '0.0.0.0',
          lacks: 'IP_PKTINFO SO_TIMESTAMPNS',
        },
      ],
    });
  });

  test('has plain sockets where one is missing that cannot, unless batches were asked for', async () => {
    const [auto, batched] = await Promise.all([run(IPV6_V6ONLY, 'auto', '::'), run(IPV6_V6ONLY, 'batched', '::')]);
    expect(auto).toEqual({
      transport: 'dgram',
      answer: '9201',
      warnings: [expect.objectContaining({ reason: 'IPV6_V6ONLY: ENOPROTOOPT' })],
    });
    expect(batched).toEqual({ code: 'TRIBUTARY_BIND_FAILED' });
  });
});
