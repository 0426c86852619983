export { type ApiEndpoint, describeAddress, toAddress } from './address.ts';
export { type ApiClient, type ApiClientOptions, isApiFailure, openApiClient } from './api-client.ts';
export { ApiError, type ApiFailure, type ApiFailureKind, readErrorMessage } from './api-error.ts';
export { type ChatAnswer, createChatCollector, type ToolCall } from './collect.ts';
export { decodeChunk, decodeUsage } from './decode-chunk.ts';
export { createSseSplitter, type SseSplitter } from './sse-splitter.ts';
export { type ChatEvent, type ChatMessage, type ChatOptions, streamChat } from './stream-chat.ts';
export type {
  ApiAddress,
  ApiReply,
  RequestOptions,
  StreamChunk,
  StreamDone,
  StreamEnd,
  StreamEvent,
  StreamFault,
  StreamOpen,
  ToolCallDelta,
  Usage,
} from './types.ts';
