import { fixed, type Signature } from './signature.ts';

/** Model files, caches and the hub. */
export const fileSignatures: readonly Signature[] = [
  {
    id: 'missing-shard',
    pattern: /Weight files referenced in index but missing: (.+)|Cannot find any model weights with/,
    deterministic: true,
    phase: 'weights',
    source: 'real',
    describe: ([, files]) => ({
      cause: `weight files of the model are missing${files === undefined ? '' : `: ${files.slice(0, 200)}`}`,
      advice: 'stepctl verify, then stepctl pull',
    }),
  },
  {
    id: 'truncated-shard',
    pattern:
      /SafetensorError|Error while deserializing header|header too (?:large|small)|incomplete metadata, file not fully covered/,
    deterministic: true,
    phase: 'weights',
    source: 'real',
    describe: fixed('a weight file is cut off or damaged', 'stepctl verify --full --repair'),
  },
  {
    // safetensors reports ENOENT for a shard that is there with mode 0600 of another user.
    id: 'unreadable-or-missing-file',
    pattern:
      /FileNotFoundError: .*?(?:No such file or directory:? ?)'?(\S*\.(?:safetensors|json|jinja|model|txt))/,
    deterministic: true,
    phase: 'weights',
    source: 'report',
    describe: ([, file = '']) => ({
      cause: `${file} is missing, or there but not readable for the user of the engine (safetensors says "no such file" for both)`,
      advice: `ls -l ${file}: if it is there, run the engine as its owner or chmod a+r; if not, stepctl pull`,
    }),
  },
  {
    id: 'permission-denied',
    pattern: /PermissionError: \[Errno 13\][^']*'?([^'\s]*)/,
    deterministic: true,
    phase: 'any',
    source: 'real',
    describe: ([, file = '']) => ({
      cause: `the user of the engine may not use ${file === '' ? 'a file or folder' : file}`,
      advice:
        'run the engine as the owner of its caches, or make them writable for it; stepctl doctor checks them',
    }),
  },
  {
    id: 'disk-full',
    pattern: /\[Errno 28\] No space left on device(?!.*\/dev\/shm)/,
    deterministic: true,
    phase: 'any',
    source: 'real',
    describe: fixed(
      'a disk is full',
      'make room (compile caches, old images), then start again; stepctl doctor shows what is free',
    ),
  },
  {
    id: 'wrong-weights',
    pattern:
      /KeyError: '(?:model\.)?layers\.|Tried to load weights of size|size of tensor a \(\d+\) must match|There is no module or parameter named|falsely use random initialization|weights were not initialized from checkpoint/,
    deterministic: true,
    phase: 'weights',
    source: 'real',
    describe: fixed(
      'the tensors in the files are not those that this release expects: some are missing or of another shape',
      'stepctl verify --full (0.16.0 reports a missing shard like this); then stepctl patch verify: a loader patch may be missing',
    ),
  },
  {
    id: 'hub-offline',
    pattern: /LocalEntryNotFoundError|OfflineModeIsEnabled|outgoing traffic has been disabled/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'the engine looked for files on the hub, and it runs offline on purpose',
      'the snapshot is not complete: stepctl verify, then stepctl pull',
    ),
  },
  {
    id: 'hub-refused',
    pattern: /GatedRepoError|RepositoryNotFoundError|401 Client Error|403 Client Error/,
    deterministic: true,
    phase: 'config',
    source: 'report',
    describe: fixed(
      'the hub refused access to the repository',
      'check model.repo; for a gated one accept its terms and set HF_TOKEN for stepctl pull',
    ),
  },
  {
    id: 'hub-throttled',
    pattern: /429 Client Error|Too Many Requests for url/,
    deterministic: false,
    phase: 'config',
    source: 'report',
    describe: fixed(
      'the hub answers too many requests (429)',
      'let stepctl pull fetch the files: it waits as the hub asks; HF_TOKEN raises the limit',
    ),
  },
  {
    id: 'model-config-unreadable',
    pattern: /config file at '?(\S+?)'? is not a valid JSON|JSONDecodeError: (?!.*--)/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, file]) => ({
      cause: `${file ?? 'a JSON file of the model'} is not JSON: cut off, or an error page saved under its name`,
      advice: 'stepctl verify --full --repair',
    }),
  },
  {
    id: 'no-tokenizer',
    pattern:
      /has model type `step3p5` but Transformers does not recognize|Can't load tokenizer for|Couldn't instantiate the backend tokenizer|Unable to load vocabulary/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'the folder of the model holds no tokenizer that can be read',
      'stepctl verify, then stepctl pull; tokenizer.json and tokenizer_config.json belong beside the weights',
    ),
  },
  {
    id: 'no-model',
    pattern:
      /HFValidationError: Repo id must|Invalid repository ID or local directory specified|does not appear to have a file named config\.json/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'the model folder does not exist where the engine looks',
      'check model.path, or stepctl pull',
    ),
  },
];
