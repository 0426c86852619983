/** Where an OpenAI-compatible API answers: a URL, or a unix socket that speaks HTTP. */
export interface ApiAddress {
  /** With or without a trailing `/v1`; behind a socket only its path and Host matter. */
  readonly baseUrl: string;
  readonly socketPath: string | null;
}

/** Token counts as the server reports them; the authority for every figure. */
export interface Usage {
  readonly promptTokens: number;
  /** Includes reasoning tokens already: adding `reasoningTokens` would count them twice. */
  readonly completionTokens: number;
  /** Prompt tokens taken from the prefix cache; null when the server does not say. */
  readonly cachedTokens: number | null;
  readonly reasoningTokens: number | null;
}

export interface ToolCallDelta {
  readonly index: number;
  readonly id: string | null;
  readonly name: string | null;
  readonly arguments: string;
}

/** The body's connection is up, the request is sent and the answer's status line is 2xx. */
export interface StreamOpen {
  readonly kind: 'open';
  readonly status: number;
  readonly requestId: string | null;
  /** Monotonic ms: last request byte handed to the socket. Connecting is before it. */
  readonly sentAt: number;
  readonly headersAt: number;
}

/** One server-sent event with JSON in it. */
export interface StreamChunk {
  readonly kind: 'chunk';
  /** Monotonic ms: when the bytes were read from the socket, before any parsing. */
  readonly readAt: number;
  /** Number of the socket read, from 0; events of one read share it and their stamp. */
  readonly read: number;
  readonly id: string | null;
  /** Length of `choices`; the usage chunk at the end has none. */
  readonly choices: number;
  readonly reasoning: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCallDelta[];
  readonly finishReason: string | null;
  readonly usage: Usage | null;
}

/** An error object inside a 200 stream, or an event that is not JSON. */
export interface StreamFault {
  readonly kind: 'fault';
  readonly readAt: number;
  readonly read: number;
  readonly message: string;
  readonly type: string | null;
  readonly code: string | null;
}

/** `data: [DONE]`. */
export interface StreamDone {
  readonly kind: 'done';
  readonly readAt: number;
  readonly read: number;
}

/** The body ended as HTTP says it should; a cut connection throws instead. */
export interface StreamEnd {
  readonly kind: 'end';
  readonly endedAt: number;
  readonly reads: number;
  readonly bytes: number;
}

export type StreamEvent = StreamOpen | StreamChunk | StreamFault | StreamDone | StreamEnd;

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The parsed body; null when it is not JSON. */
  readonly json: unknown;
  readonly sentAt: number;
  readonly endedAt: number;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Deadline for the whole request, ms; 0 has none. */
  readonly timeoutMs?: number;
  /** Replaces the client's key for this request: null sends none. */
  readonly apiKey?: string | null;
}
