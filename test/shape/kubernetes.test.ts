import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { DaemonSet, Deployment } from 'kubernetes-models/apps/v1';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ClusterRole, ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { ConfigMap, Namespace, Service, ServiceAccount } from 'kubernetes-models/v1';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { drainArguments } from '../../src/cli/drain.ts';
import { settingRows } from '../../src/config/reference.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'docker/kubernetes');
const run = promisify(execFile);
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: manifests are as their schemas have them, which is what is shown here.
type Manifest = any;
interface Named {
  readonly file: string;
  readonly manifest: Manifest;
}

const KINDS = {
  'apps/v1': { DaemonSet, Deployment },
  'monitoring.coreos.com/v1': { ServiceMonitor },
  'networking.k8s.io/v1': { Ingress },
  'policy/v1': { PodDisruptionBudget },
  'rbac.authorization.k8s.io/v1': { ClusterRole, ClusterRoleBinding },
  v1: { ConfigMap, Namespace, Service, ServiceAccount },
} as Record<string, Record<string, new (data: Manifest) => { validate(): void }>>;
const MODULES: Record<string, string> = {
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
};

const kustomization = parse(read('kustomization.yml'));
const manifests: Named[] = (kustomization.resources as string[]).flatMap((file) =>
  parseAllDocuments(read(file)).map((document) => ({ file, manifest: document.toJS({ maxAliasCount: 10 }) })),
);
const only = (kind: string, component?: string): Manifest => {
  const found = manifests.filter(
    ({ manifest }) =>
      manifest.kind === kind &&
      (component === undefined || manifest.metadata.labels?.['app.kubernetes.io/component'] === component),
  );
  expect(found, kind).toHaveLength(1);
  return found[0]!.manifest;
};
const pod = (workload: Manifest): Manifest => workload.spec.template.spec;

/** What the compiler says of manifests as literals of their types: a member that no schema has is an error there, and of a validator it is none. */
const typeErrors = async (folder: string, named: readonly Named[]): Promise<string> => {
  const lines = named.map(({ manifest }, index) => {
    const from = MODULES[manifest.apiVersion] ?? `kubernetes-models/${manifest.apiVersion}`;
    const type = `I${manifest.kind}`;
    return `import type { ${type} as T${index} } from '${from}';\nexport const m${index}: T${index} = ${JSON.stringify(manifest)};`;
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'esnext',
        moduleResolution: 'bundler',
        noEmit: true,
        paths: { '*': [`${ROOT}/node_modules/*`] },
        skipLibCheck: true,
        strict: true,
        target: 'es2022',
        types: [],
      },
      files: ['manifests.ts'],
    }),
  );
  return run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder]).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => `${stdout}${stderr}`,
  );
};

describe('the manifests for Kubernetes', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-manifests-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(manifests.map((one) => [`${one.file}: ${one.manifest.kind} ${one.manifest.metadata.name}`, one] as const))(
    '%s keeps to its schema',
    (_name, { manifest }) => {
      const Kind = KINDS[manifest.apiVersion]?.[manifest.kind];
      expect(Kind, `${manifest.apiVersion} ${manifest.kind}`).toBeDefined();
      expect(() => new Kind!(manifest).validate()).not.toThrow();
    },
  );

  it('have no member that their schemas do not know', async () => {
    expect(await typeErrors(join(folder, 'whole'), manifests)).toBe('');
    const misspelt = structuredClone(only('DaemonSet'));
    pod(misspelt).hostNetwrok = true;
    expect(await typeErrors(join(folder, 'misspelt'), [{ file: '', manifest: misspelt }])).toContain('hostNetwrok');
  });

  it('are all named by the kustomization, with the program of the init container', () => {
    const [program] = kustomization.configMapGenerator;
    expect([...kustomization.resources, ...program.files, 'kustomization.yml'].sort()).toEqual(
      readdirSync(FOLDER).sort(),
    );
    const volume = pod(only('DaemonSet')).volumes.find(({ configMap }: Manifest) => configMap);
    expect(volume.configMap.name).toBe(program.name);
  });

  it('set settings that there are, and no secret openly', () => {
    const known = new Map(settingRows().map((row) => [row.env, row] as const));
    const named = ['DaemonSet', 'Deployment'].flatMap((kind) => pod(only(kind)).containers[0].env as Manifest[]);
    for (const { name, valueFrom } of named) {
      expect(known.has(name), name).toBe(true);
      expect(valueFrom.secretKeyRef ?? valueFrom.fieldRef, name).toBeDefined();
    }
    for (const { manifest } of manifests.filter((one) => one.manifest.kind === 'ConfigMap'))
      for (const name of Object.keys(manifest.data)) {
        expect(known.has(name), name).toBe(true);
        expect(name).not.toMatch(/KEY|TOKEN|SECRET|PASS|DATABASE/);
      }
    const keys = manifests.flatMap(({ manifest }) => JSON.stringify(manifest).match(/"key":"([a-z-]+)"/g) ?? []);
    const page = readFileSync(join(ROOT, 'docs/kubernetes.md'), 'utf8');
    for (const text of new Set(keys)) expect(page).toContain(`--from-literal=${text.slice(7, -1)}=`);
  });

  it('have the ports of the settings, and are found by their services', () => {
    const ports = (workload: Manifest): Record<string, number> =>
      Object.fromEntries(pod(workload).containers[0].ports.map((one: Manifest) => [one.name, one.containerPort]));
    const setting = (path: string): number =>
      Number(
        settingRows()
          .find((row) => row.path === path)!
          .byDefault.replace(/\D/g, ''),
      );
    expect(ports(only('DaemonSet'))).toEqual({
      dashboard: setting('http.dashboardPort'),
      links: setting('http.linksPort'),
      play: setting('srt.playPort'),
      publish: setting('srt.publishPort'),
      srtla: setting('srtla.ports'),
      stats: setting('http.statsPort'),
    });
    expect(ports(only('Deployment'))).toEqual({ http: setting('controlPlane.port') });
    for (const [component, kind] of [
      ['node', 'DaemonSet'],
      ['plane', 'Deployment'],
    ] as const) {
      const workload = only(kind);
      const labels = workload.spec.template.metadata.labels;
      expect(workload.spec.selector.matchLabels).toEqual(labels);
      expect(only('Service', component).spec.selector).toEqual(labels);
      for (const { targetPort } of only('Service', component).spec.ports)
        expect(Object.keys(ports(workload))).toContain(targetPort);
    }
    const { selector, endpoints } = only('ServiceMonitor').spec;
    expect(only('Service', 'node').metadata.labels).toMatchObject(selector.matchLabels);
    expect(only('Service', 'node').spec.ports.map(({ name }: Manifest) => name)).toContain(endpoints[0].port);
  });

  it('drain a node before it is stopped, for less time than it is left', () => {
    const { terminationGracePeriodSeconds, containers, hostNetwork } = pod(only('DaemonSet'));
    const [program, command, ...rest] = containers[0].lifecycle.preStop.exec.command;
    expect([hostNetwork, program, command]).toEqual([true, 'tributary', 'drain']);
    const { untilIdle, timeoutMs, rest: unknown } = drainArguments(rest);
    expect([untilIdle, unknown]).toEqual([true, []]);
    expect(timeoutMs).toBeLessThanOrEqual((terminationGracePeriodSeconds - 10) * 1_000);
    expect(containers[0].readinessProbe.httpGet.path).toBe('/readyz');
    expect(containers[0].livenessProbe.httpGet.path).toBe('/healthz');
  });
});

describe('the facts of a machine', () => {
  let server: Server | undefined;
  let folder: string | undefined;
  afterEach(() => {
    server?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Runs the init container's program on what an API server says, and a shell on what it has written. */
  const settingsOf = async (machine: object): Promise<Record<string, string>> => {
    const asked: (string | undefined)[] = [];
    server = createServer((request, response) => {
      asked.push(request.url, request.headers.authorization);
      response.end(JSON.stringify(machine));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    folder = mkdtempSync(join(tmpdir(), 'tributary-facts-'));
    writeFileSync(join(folder, 'token'), 'abc\n');
    const file = join(folder, 'env');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await run(process.execPath, [join(FOLDER, 'node-facts.mjs'), file], {
      env: { ...process.env, KUBERNETES_API: base, NODE_NAME: 'kc-1', SERVICE_ACCOUNT_DIR: folder },
    });
    expect(asked).toEqual(['/api/v1/nodes/kc-1', 'Bearer abc']);
    const { stdout } = await run('/bin/sh', ['-c', `set -a && . "$1" && exec env`, 'sh', file], { env: {} });
    const pairs = stdout
      .trim()
      .split('\n')
      .map((line) => /^([^=]+)=(.*)$/.exec(line)!.slice(1) as [string, string]);
    const { PWD, OLDPWD, SHLVL, _, ...settings } = Object.fromEntries(pairs);
    return settings;
  };

  it('are region and addresses, by its labels', async () => {
    const labels = {
      'topology.kubernetes.io/region': 'us-central',
      'tributary/max-sessions': '40',
      'tributary/provider': 'hetzner',
    };
    const addresses = [
      { address: '10.0.0.4', type: 'InternalIP' },
      { address: '203.0.113.9', type: 'ExternalIP' },
      { address: '2001:db8::9', type: 'ExternalIP' },
    ];
    const settings = await settingsOf({ metadata: { labels }, status: { addresses } });
    expect(settings).toEqual({
      PROVIDER: 'hetzner',
      PUBLIC_IP: '203.0.113.9',
      PUBLIC_IP6: '2001:db8::9',
      REGION: 'us-central',
      TRIBUTARY_CONTROL_MAX_SESSIONS: '40',
    });
    const known = new Set(settingRows().map((row) => row.env));
    for (const name of Object.keys(settings)) expect(known.has(name), name).toBe(true);
  });

  it('are those of its own labels first, and nothing where nothing is known', async () => {
    const labels = {
      'topology.kubernetes.io/region': 'us-central1-a',
      'tributary/public-ip': '198.51.100.7',
      'tributary/region': 'us-central',
    };
    expect(await settingsOf({ metadata: { labels } })).toEqual({ PUBLIC_IP: '198.51.100.7', REGION: 'us-central' });
  });

  it('are empty for a bare machine, and no text of theirs runs in the shell', async () => {
    expect(await settingsOf({ metadata: { name: 'kc-1' } })).toEqual({});
    const hostile = await settingsOf({
      status: { addresses: [{ address: "1'$(touch /tmp/x)`id`", type: 'ExternalIP' }] },
    });
    expect(hostile).toEqual({ PUBLIC_IP: '1$(touch /tmp/x)`id`' });
  });
});
