// Run from the root of the repository, which the paths are relative to: make test-demo.

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  { languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser } },
  { files: ["tests/**"], languageOptions: { globals: globals.node } },
  {
    rules: {
      "eqeqeq": "error",
      "no-unused-vars": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "no-shadow": "error",
      "no-implicit-globals": "error",
    },
  },
];
