/** The functions and operators of the language itself (CEL language definition, "List of Standard Definitions"). */

const numbers = ['int', 'uint', 'double'];
const ordered = ['bool', 'string', 'bytes', 'timestamp', 'duration'];

/** Numbers of different types can be compared, though not tested for equality. */
const comparisons = ['_<_', '_<=_', '_>_', '_>=_']
  .map((operator) => {
    const pairs = [
      ...ordered.map((type) => [type, type]),
      ...numbers.flatMap((left) => numbers.map((right) => [left, right])),
    ];
    return `${operator}: ${pairs.map((pair) => `(${pair.join(', ')}) -> bool`).join(' | ')}`;
  })
  .join('\n');

const same = (types: readonly string[]): string =>
  types.map((type) => `(${type}, ${type}) -> ${type}`).join(' | ');

const partOfTime = (name: string, ofDuration: boolean): string =>
  `${name}: timestamp.() -> int | timestamp.(string) -> int${ofDuration ? ' | duration.() -> int' : ''}`;

export const standard = `
_&&_: (bool, bool) -> bool
_||_: (bool, bool) -> bool
!_: (bool) -> bool
_?_:_: (bool, A, A) -> A
@not_strictly_false: (bool) -> bool
_==_: (A, A) -> bool
_!=_: (A, A) -> bool
${comparisons}
_+_: ${same([...numbers, 'string', 'bytes', 'duration', 'list(A)'])} | (timestamp, duration) -> timestamp | (duration, timestamp) -> timestamp
_-_: ${same([...numbers, 'duration'])} | (timestamp, duration) -> timestamp | (timestamp, timestamp) -> duration
_*_: ${same(numbers)}
_/_: ${same(numbers)}
_%_: ${same(['int', 'uint'])}
-_: (int) -> int | (double) -> double
@in: (A, list(A)) -> bool | (A, map(A, B)) -> bool
_[_]: (list(A), int) -> A | (map(A, B), A) -> B | (optional_type(list(A)), int) -> optional_type(A) | (optional_type(map(A, B)), A) -> optional_type(B)
_[?_]: (list(A), int) -> optional_type(A) | (map(A, B), A) -> optional_type(B) | (optional_type(list(A)), int) -> optional_type(A) | (optional_type(map(A, B)), A) -> optional_type(B)
size: (string) -> int | (bytes) -> int | (list(A)) -> int | (map(A, B)) -> int | string.() -> int | bytes.() -> int | list(A).() -> int | map(A, B).() -> int
type: (A) -> type(A)
dyn: (A) -> dyn
bool: (bool) -> bool | (string) -> bool
bytes: (bytes) -> bytes | (string) -> bytes
double: (double) -> double | (int) -> double | (string) -> double | (uint) -> double
int: (int) -> int | (double) -> int | (duration) -> int | (string) -> int | (timestamp) -> int | (uint) -> int
uint: (uint) -> uint | (double) -> uint | (int) -> uint | (string) -> uint
string: (string) -> string | (bool) -> string | (bytes) -> string | (double) -> string | (duration) -> string | (int) -> string | (timestamp) -> string | (uint) -> string
timestamp: (timestamp) -> timestamp | (string) -> timestamp | (int) -> timestamp
duration: (duration) -> duration | (string) -> duration | (int) -> duration
contains: string.(string) -> bool
startsWith: string.(string) -> bool
endsWith: string.(string) -> bool
matches: string.(string) -> bool | (string, string) -> bool
${['getFullYear', 'getMonth', 'getDayOfYear', 'getDayOfMonth', 'getDate', 'getDayOfWeek'].map((name) => partOfTime(name, false)).join('\n')}
${['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].map((name) => partOfTime(name, true)).join('\n')}
`;

/** Values that may not be there (CEL extension "optional types"). */
export const optionals = `
optional.of: (A) -> optional_type(A)
optional.ofNonZeroValue: (A) -> optional_type(A)
optional.none: () -> optional_type(A)
optional.unwrap: (list(optional_type(A))) -> list(A)
unwrapOpt: list(optional_type(A)).() -> list(A)
hasValue: optional_type(A).() -> bool
value: optional_type(A).() -> A
or: optional_type(A).(optional_type(A)) -> optional_type(A)
orValue: optional_type(A).(A) -> A
first: list(A).() -> optional_type(A)
last: list(A).() -> optional_type(A)
`;
