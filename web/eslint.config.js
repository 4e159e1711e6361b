import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'test-results', 'playwright-report', 'src/**/*.generated.ts'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  reactHooks.configs.flat.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-restricted-globals': ['error', 'alert', 'confirm', 'prompt'],
      eqeqeq: ['error', 'smart'],
    },
  },
  {
    files: ['*.config.{ts,js}', 'e2e/**', 'scripts/**', 'bench/*.mjs', 'public/**'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
);
