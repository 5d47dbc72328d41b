'use strict';
// node .ci/summary.cjs TESTS.json TEST_STATUS LINT_STATUS TYPES_STATUS: prints the result line; exits 1 when anything failed.

const { readFileSync } = require('node:fs');

/**
 * @param {object|undefined} report vitest's JSON; undefined when there is none, because it never ran
 * @param {number} testStatus its exit code
 * @param {number[]} checks exit codes of the further checks
 */
const summarise = (report, testStatus, checks) => {
  let passed = checks.filter((status) => status === 0).length;
  let failed = checks.length - passed;
  let skipped = 0;
  let failedTests = 0;
  for (const file of report?.testResults ?? []) {
    // A file that cannot be loaded has no tests to fail.
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) failedTests++;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failedTests++;
      else skipped++;
    }
  }
  // No report, no tests, or an error outside of any test.
  if (failedTests === 0 && (testStatus !== 0 || !report?.testResults?.length)) failedTests = 1;
  failed += failedTests;
  return { passed, failed, skipped };
};

const lineOf = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

const readReport = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

if (require.main === module) {
  const [path, ...statuses] = process.argv.slice(2);
  const [testStatus, ...checks] = statuses.map(Number);
  const counts = summarise(readReport(path), testStatus, checks);
  console.log(lineOf(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

module.exports = { lineOf, summarise };
