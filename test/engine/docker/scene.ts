import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineSpec, Running } from '../../../src/engine/index.ts';

/** A plain value for the pure functions; paths need not exist. */
export const plainSpec = (parts: Partial<EngineSpec> = {}): EngineSpec => ({
  instance: 'test',
  program: ['/opt/venv/bin/python3', '-m', 'vllm.entrypoints.cli.main'],
  args: ['serve', '/model'],
  env: {},
  image: 'stepctl/vllm:0.16.0-abc',
  mounts: [],
  gpus: { kind: 'none' },
  user: null,
  limits: { shmBytes: 64 * 2 ** 20, memoryBytes: null, pids: 128, logMaxBytes: 2 ** 20 },
  externalUrl: null,
  stateDir: '/state/test',
  labels: {},
  ...parts,
});

/** Stands in for vLLM: takes the listen flags, says who and where it is, answers HTTP, dumps stacks on SIGABRT. */
export const httpEngine = `
import faulthandler, http.server, json, os, signal, socket, sys
faulthandler.enable()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
port = int(sys.argv[sys.argv.index("--port") + 1])

def attempt(action):
    try:
        action()
        return "yes"
    except Exception as error:
        return type(error).__name__

def write(path):
    def act():
        with open(path, "w") as file:
            file.write("x")
    return act

status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line)
facts = {
    "uid": os.getuid(),
    "capabilities": status["CapEff"].strip(),
    "noNewPrivileges": status["NoNewPrivs"].strip(),
    "writes": {path: attempt(write(path)) for path in ["/root-fs", "/tmp/x", "/cache/x", "/model/x", os.environ["HOME"] + "/y"]},
    "egress": attempt(lambda: socket.create_connection(("1.1.1.1", 443), 1)),
    "resolves": attempt(lambda: socket.getaddrinfo("example.com", 443)),
    "model": open("/model/config.json").read(),
    "shm": os.statvfs("/dev/shm").f_frsize * os.statvfs("/dev/shm").f_blocks,
}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("0.0.0.0", port), Handler)
print("10%\\r100%\\r\\nserving", flush=True)
print("a warning", file=sys.stderr, flush=True)
server.serve_forever()
`;

export interface Facts {
  readonly uid: number;
  readonly capabilities: string;
  readonly noNewPrivileges: string;
  readonly writes: Readonly<Record<string, string>>;
  readonly egress: string;
  readonly resolves: string;
  readonly model: string;
  readonly shm: number;
}

export interface DockerHome {
  readonly stateDir: string;
  readonly modelDir: string;
  remove(): Promise<void>;
}

export async function makeDockerHome(): Promise<DockerHome> {
  const root = await mkdtemp(join(tmpdir(), 'stepctl-docker-'));
  const stateDir = join(root, 'state');
  const modelDir = join(root, 'model');
  await mkdir(stateDir);
  await mkdir(modelDir);
  await writeFile(join(modelDir, 'config.json'), '{}');
  return { stateDir, modelDir, remove: () => rm(root, { recursive: true, force: true }) };
}

/** A program in the image instead of vLLM. */
export const scriptSpec = (
  home: DockerHome,
  image: string,
  script: string,
  parts: Partial<EngineSpec> = {},
): EngineSpec =>
  plainSpec({
    image,
    program: ['python3', '-u', '-c', script],
    mounts: [{ source: home.modelDir, target: '/model', readOnly: true }],
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    stateDir: home.stateDir,
    ...parts,
  });

/** Lines up to the one that holds `text`. */
export async function untilLine(running: Running, text: string): Promise<string[]> {
  const seen: string[] = [];
  for await (const line of running.logs) {
    seen.push(`${line.stream} ${line.text}`);
    if (line.text.includes(text)) return seen;
  }
  throw new Error(`the log ended without "${text}":\n${seen.join('\n')}`);
}
