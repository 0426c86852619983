/** What the engine says of itself on its way up, in one line of its configuration and in those of its kernels. */
export interface EngineFacts {
  /** `max_seq_len`, `enforce_eager`, …: as written in the line "Initializing a V1 LLM engine". */
  readonly config: ReadonlyMap<string, string>;
  /** In the line "non-default args". */
  readonly toolCallParser: string | null;
  readonly isAutoToolChoice: boolean;
  /** Names in "Using 'NAME' NvFp4 MoE backend": one a kind of layer. */
  readonly moeBackends: ReadonlySet<string>;
  /** "Using ['PYNCCL'] all-reduce backends"; null before the line. */
  readonly allReduce: string | null;
  readonly hasCapturedGraphs: boolean;
}

const configKeys =
  /\b(max_seq_len|tensor_parallel_size|enforce_eager|disable_custom_all_reduce|trust_remote_code|reasoning_parser)='?([^,')]*)/g;

/** Gathers the facts of one start, line by line; each line is looked at once. */
export class EngineFactsReader {
  #config = new Map<string, string>();
  #toolCallParser: string | null = null;
  #isAutoToolChoice = false;
  readonly #moeBackends = new Set<string>();
  #allReduce: string | null = null;
  #hasCapturedGraphs = false;

  facts(): EngineFacts {
    return {
      config: this.#config,
      toolCallParser: this.#toolCallParser,
      isAutoToolChoice: this.#isAutoToolChoice,
      moeBackends: this.#moeBackends,
      allReduce: this.#allReduce,
      hasCapturedGraphs: this.#hasCapturedGraphs,
    };
  }

  /** True when the line told something. */
  add(line: string): boolean {
    if (line.includes('Initializing a V1 LLM engine')) {
      // The first mention of each: the compilation's own settings come later in the same line.
      for (const [, key = '', value = ''] of line.matchAll(configKeys))
        if (!this.#config.has(key)) this.#config.set(key, value);
      return true;
    }
    if (line.includes('non-default args')) {
      this.#toolCallParser = /'tool_call_parser': '([^']+)'/.exec(line)?.[1] ?? null;
      return true;
    }
    if (line.includes('tool choice has been enabled')) return (this.#isAutoToolChoice = true);
    if (line.includes('Graph capturing finished')) return (this.#hasCapturedGraphs = true);
    const moe = /Using '(\w+)' NvFp4 MoE backend/.exec(line)?.[1];
    if (moe !== undefined) {
      this.#moeBackends.add(moe);
      return true;
    }
    const allReduce = /Using (\[.*?\]) all-reduce backends/.exec(line)?.[1];
    if (allReduce === undefined) return false;
    this.#allReduce = allReduce;
    return true;
  }
}
