/** Extensions of the language that Kubernetes takes from cel-go: strings, sets and lists. */

export const strings = `
charAt: string.(int) -> string
indexOf: string.(string) -> int | string.(string, int) -> int
lastIndexOf: string.(string) -> int | string.(string, int) -> int
join: list(string).() -> string | list(string).(string) -> string
lowerAscii: string.() -> string
upperAscii: string.() -> string
replace: string.(string, string) -> string | string.(string, string, int) -> string
split: string.(string) -> list(string) | string.(string, int) -> list(string)
substring: string.(int) -> string | string.(int, int) -> string
trim: string.() -> string
format: string.(list(dyn)) -> string
strings.quote: (string) -> string
`;

export const sets = `
sets.contains: (list(A), list(A)) -> bool
sets.equivalent: (list(A), list(A)) -> bool
sets.intersects: (list(A), list(A)) -> bool
`;

const sortable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];

export const listExtensions = `
slice: list(A).(int, int) -> list(A)
flatten: list(list(A)).() -> list(A) | list(dyn).(int) -> list(dyn)
distinct: list(A).() -> list(A)
reverse: list(A).() -> list(A)
sort: ${sortable.map((type) => `list(${type}).() -> list(${type})`).join(' | ')}
lists.range: (int) -> list(int)
`;
