'use strict';
// Installs Debian packages; the command is printed before it is run.

const { aptPlan } = require('./plan.cjs');
const { inspectRights } = require('./facts.cjs');
const { withProgress } = require('./progress.cjs');
const { SetupError, runQuietly } = require('./run.cjs');

// Another apt-get (a fresh machine updates itself) is waited for.
const WAIT = ['-o', 'DPkg::Lock::Timeout=300'];

const aptGet = (plan, args) => {
  const [program, ...rest] = [...plan.prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...WAIT, ...args];
  return runQuietly(`apt-get ${args[0]}`, program, rest);
};

const installDebianPackages = async (missing, say) => {
  const plan = aptPlan(missing, inspectRights());
  if (plan.kind === 'nothing') return;
  if (plan.kind === 'refuse') {
    throw new SetupError(plan.why, plan.command ? ['run this as root, then try again:', `  ${plan.command}`] : []);
  }
  say(`missing Debian packages, installing with: ${plan.command}`);
  const update = () => withProgress('apt-get update', () => aptGet(plan, ['update']));
  const install = () =>
    withProgress('apt-get install', () => aptGet(plan, ['install', '-y', '--no-install-recommends', ...missing]));
  if (plan.update) await update();
  try {
    await install();
  } catch (error) {
    if (plan.update) throw error;
    // Lists may be young and yet name versions that the mirror has replaced.
    await update();
    await install();
  }
};

module.exports = { installDebianPackages };
