/** What no variable can be called (CEL language definition, "Syntax"), and fields only in their escaped form. */
export const reservedWords: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
