/**
 * Who creates an object owns every field of it: what comparing it with nothing gives (`compareObjects`), in one walk.
 * Most objects of a kind have the fields of others before them; then the sets are the very sets of those, down to
 * each of their parts, and nothing is made. The general way was an eighth of what a create cost.
 */
import type { JsonObject, JsonValue } from '../object.ts';
import { isJsonObject } from '../patch/index.ts';
import type { Schema } from '../schema.ts';
import { type FieldSet, inOrder, leaf, noFields, nodeInOrder, subtractSets } from './field-set.ts';
import { unowned } from './ownership.ts';
import { fieldElement, itemElementOrNone } from './path-element.ts';
import { isEmptyValue, memberSchema, type Shape, shapeOf } from './shape.ts';

/** The fields of an object that was not there before, without those that nobody owns; everything in order. */
export function fieldsOfNew(object: JsonObject, schema: Schema): FieldSet {
  const all = formOf(schema).membersOf(object, false) ?? noFields;
  let owned = ownedOf.get(all);
  if (!owned) ownedOf.set(all, (owned = inOrder(subtractSets(all, unowned))));
  return owned;
}

const ownedOf = new WeakMap<FieldSet, FieldSet>();

const forms = new WeakMap<Schema, Form>();

function formOf(schema: Schema | undefined): Form {
  if (!schema) return unknown;
  let form = forms.get(schema);
  if (!form) forms.set(schema, (form = new Form(schema)));
  return form;
}

/** How many sets are kept for one place of a schema: objects of one kind differ in few ways. */
const maxSeen = 8;
/** A set with more elements than that is not kept: looking for it would take as long as making it. */
const maxSeenElements = 64;

interface Seen {
  names: readonly string[];
  sets: readonly FieldSet[];
  isMember: boolean;
  node: FieldSet;
}

/** A field of a schema. */
interface Member {
  form: Form;
  /** It is there, though empty, wherever the object that has it is (`Schema.always`), so that only what is in it is owned. */
  isAlways: boolean;
}

/** How the values of a schema are owned, and the sets that they had lately. */
class Form {
  readonly #schema: Schema | undefined;
  /** Undefined where it depends on the value. */
  readonly #shape: Shape | undefined;
  readonly #fields = new Map<string, Member>();
  #others: Member | undefined;
  #items: Form | undefined;
  readonly #seen: Seen[] = [];
  #oldest = 0;

  constructor(schema: Schema | undefined) {
    this.#schema = schema;
    const isFree = !schema || (schema.preserveUnknownFields && !schema.properties);
    this.#shape = isFree ? undefined : shapeOf(schema);
  }

  /** Of a value that was not there: itself, and every field and item in it. */
  allOf(value: JsonValue): FieldSet {
    const shape = this.#shape ?? shapeOf(this.#schema, value);
    if (shape === 'map' && isJsonObject(value)) return this.membersOf(value, true) ?? leaf;
    if (shape === 'list') return this.#itemsOf(value, true) ?? leaf;
    return leaf;
  }

  /** Of a value that was there and empty: only what is in it is new. Undefined when nothing is. */
  #within(value: JsonValue): FieldSet | undefined {
    const isMap = this.#shape === 'map';
    // Empty in another way than it was is a change of the field itself.
    if (isEmptyValue(value)) return (isMap ? isJsonObject(value) : value === null) ? undefined : leaf;
    if (!isMap) return this.#itemsOf(value, false);
    return isJsonObject(value) ? this.membersOf(value, false) : undefined;
  }

  /** Of a map that was not there (`isMember`), or that was and empty. Undefined when there are none. */
  membersOf(map: JsonObject, isMember: boolean): FieldSet | undefined {
    const names: string[] = [];
    const sets: FieldSet[] = [];
    for (const name of Object.keys(map)) {
      const value = map[name];
      if (value === undefined) continue;
      const { form, isAlways } = this.#member(name);
      const set = isAlways && !isMember ? form.#within(value) : form.allOf(value);
      if (!set) continue;
      names.push(name);
      sets.push(set);
    }
    return names.length === 0 ? undefined : this.#node(names, sets, isMember, fieldElement);
  }

  #itemsOf(list: JsonValue, isMember: boolean): FieldSet | undefined {
    const schema = this.#schema;
    if (!schema || !Array.isArray(list)) return undefined;
    this.#items ??= formOf(schema.items);
    const sets = new Map<string, FieldSet>();
    for (const item of list) {
      const element = itemElementOrNone(item, schema);
      if (element === undefined) continue;
      // Items that have their keys in common are owned as one.
      sets.set(element, sets.has(element) ? leaf : this.#items.allOf(item));
    }
    return sets.size === 0 ? undefined : this.#node([...sets.keys()], [...sets.values()], isMember, asItIs);
  }

  #member(name: string): Member {
    const schema = this.#schema;
    if (schema?.properties && Object.hasOwn(schema.properties, name)) {
      let field = this.#fields.get(name);
      if (!field) this.#fields.set(name, (field = memberOf(schema, name)));
      return field;
    }
    this.#others ??= { form: formOf(schema?.additionalProperties), isAlways: false };
    return this.#others;
  }

  /** The set that an equal value had before, where it is one of those that are kept. */
  #node(
    names: readonly string[],
    sets: readonly FieldSet[],
    isMember: boolean,
    elementOf: (name: string) => string,
  ): FieldSet {
    for (const seen of this.#seen) {
      if (seen.isMember === isMember && isSame(seen.names, names) && isSame(seen.sets, sets))
        return seen.node;
    }
    const node = nodeInOrder(names.map(elementOf), sets, isMember);
    if (names.length <= maxSeenElements) {
      this.#seen[this.#oldest] = { names, sets, isMember, node };
      this.#oldest = (this.#oldest + 1) % maxSeen;
    }
    return node;
  }
}

const unknown = new Form(undefined);

function memberOf(schema: Schema, name: string): Member {
  const form = formOf(memberSchema(schema, name));
  const shape = shapeOf(memberSchema(schema, name));
  return { form, isAlways: shape !== 'leaf' && (schema.always?.includes(name) ?? false) };
}

/** Items of lists have their elements already. */
function asItIs(element: string): string {
  return element;
}

function isSame<T>(one: readonly T[], other: readonly T[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}
