import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tributary-clock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The wall clock as the addon reads it, shifted by what stands in a file; the kernel's stays, as it was before a jump. */
const SHIM = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t* shiftMs;
__attribute__((constructor)) static void start(void) {
  const char* path = getenv("CLOCK_SHIFT_FILE");
  int file = path ? open(path, O_RDONLY) : -1;
  void* map = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) shiftMs = map;
}
int clock_gettime(clockid_t clock, struct timespec* time) {
  int result = syscall(SYS_clock_gettime, clock, time);
  if (clock != CLOCK_REALTIME || !shiftMs) return result;
  int64_t ns = time->tv_sec * 1000000000LL + time->tv_nsec + *shiftMs * 1000000LL;
  time->tv_sec = ns / 1000000000LL;
  time->tv_nsec = ns % 1000000000LL;
  return result;
}
`;

test('a jump of the wall clock does not show in arrival times', async () => {
  const library = join(folder, 'shift.so');
  writeFileSync(join(folder, 'shift.c'), SHIM);
  execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-O1', join(folder, 'shift.c'), '-o', library]);
  const file = join(folder, 'shift');
  writeFileSync(file, Buffer.alloc(8));
  const child = spawn(process.execPath, [new URL('./udp-clock-child.ts', import.meta.url).pathname], {
    env: { ...process.env, LD_PRELOAD: library, CLOCK_SHIFT_FILE: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  const rounds = JSON.parse(text) as { jumpMs: number; sentMs: number; arrivalMs: number; readMs: number }[];
  expect(rounds.map(({ jumpMs }) => jumpMs)).toEqual([0, 3_600_000, -3_600_000, 40, -40, 0]);
  for (const { jumpMs, sentMs, arrivalMs, readMs } of rounds) {
    expect(arrivalMs, `jump of ${jumpMs} ms`).toBeGreaterThanOrEqual(sentMs - 0.5);
    expect(arrivalMs, `jump of ${jumpMs} ms`).toBeLessThanOrEqual(readMs);
    // Without a jump it is the true time, long before it was read.
    if (jumpMs === 0) expect(arrivalMs).toBeLessThan(sentMs + 10);
  }
});
