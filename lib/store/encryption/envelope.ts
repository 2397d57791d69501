import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** What is stored of a body that a key service had a part in. */
export interface Envelope {
  data: Uint8Array;
  keyId: string;
  wrappedSeed: Uint8Array;
}

/** The fields of `EncryptedObject` (kms v2 of kube-apiserver, API reference) that are of use; 5 says that a key is derived from a seed. */
const fields = { data: 1, keyId: 2, wrappedSeed: 3, sourceType: 5 } as const;
const hkdfSeed = 1;

export function writeEnvelope({ data, keyId, wrappedSeed }: Envelope): Uint8Array {
  return new BinaryWriter()
    .tag(fields.data, WireType.LengthDelimited)
    .bytes(data)
    .tag(fields.keyId, WireType.LengthDelimited)
    .string(keyId)
    .tag(fields.wrappedSeed, WireType.LengthDelimited)
    .bytes(wrappedSeed)
    .tag(fields.sourceType, WireType.Varint)
    .int32(hkdfSeed)
    .finish();
}

/** @throws Error for what is none */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const reader = new BinaryReader(bytes);
  const envelope: Envelope = { data: new Uint8Array(0), keyId: '', wrappedSeed: new Uint8Array(0) };
  let sourceType = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === fields.data) envelope.data = reader.bytes();
    else if (field === fields.keyId) envelope.keyId = reader.string();
    else if (field === fields.wrappedSeed) envelope.wrappedSeed = reader.bytes();
    else if (field === fields.sourceType) sourceType = reader.int32();
    else reader.skip(wireType);
  }
  if (sourceType !== hkdfSeed || envelope.keyId === '' || envelope.wrappedSeed.length === 0)
    throw new Error('the stored envelope is not whole');
  return envelope;
}
