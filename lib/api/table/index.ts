export { humanDuration } from './duration.ts';
export {
  type IncludeObject,
  type PartialObjectMetadata,
  partialObjectMetadata,
  partialObjectMetadataList,
  renderTable,
  type Table,
  type TableOptions,
} from './render.ts';
