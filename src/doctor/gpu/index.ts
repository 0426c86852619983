export { detectGpus, searchGpus, type SearchOptions } from './search.ts';
export { type GpuDetails, type GpuFacts, type GpuSearch, noDetails } from './types.ts';
