export { applyJsonPatch, unknownJsonPatchFields } from './json-patch.ts';
export { applyMergePatch } from './merge-patch.ts';
export { applyStrategicMergePatch } from './strategic-merge.ts';
export { cloneJson, equalJson, getKey, goFormat, isJsonObject, setKey } from './json.ts';
