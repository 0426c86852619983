import type { CoreCounters } from './core.ts';

/** The families of vLLM's /metrics page that stepctl reads; values are live, as the engine's are. */
export function renderMetrics(counters: CoreCounters, modelName: string): string {
  const labels = `engine="0",model_name="${modelName}"`;
  const lines: string[] = [];
  const family = (name: string, type: string, rows: readonly (readonly [string, number])[]) => {
    lines.push(`# TYPE ${name} ${type}`);
    for (const [series, value] of rows) lines.push(`${series} ${value}`);
  };
  const single = (name: string, type: string, value: number) =>
    family(name, type, [[`${name}{${labels}}`, value]]);
  single('vllm:num_requests_running', 'gauge', counters.running);
  single('vllm:num_requests_waiting', 'gauge', 0);
  single('vllm:kv_cache_usage_perc', 'gauge', Math.min(1, counters.running / 1000));
  single('vllm:num_preemptions_total', 'counter', 0);
  single('vllm:prompt_tokens_total', 'counter', counters.promptTokens);
  single('vllm:generation_tokens_total', 'counter', counters.generationTokens);
  family('vllm:iteration_tokens_total', 'histogram', [
    [`vllm:iteration_tokens_total_bucket{${labels},le="+Inf"}`, counters.iterations],
    [`vllm:iteration_tokens_total_count{${labels}}`, counters.iterations],
    [`vllm:iteration_tokens_total_sum{${labels}}`, counters.generationTokens + counters.promptTokens],
  ]);
  family(
    'vllm:request_success_total',
    'counter',
    ['stop', 'length', 'abort', 'error'].map((reason) => [
      `vllm:request_success_total{${labels},finished_reason="${reason}"}`,
      counters.finished.get(reason) ?? 0,
    ]),
  );
  return `${lines.join('\n')}\n`;
}
