import { fileURLToPath, URL } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.VOLTWIN_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: {
    host: '127.0.0.1',
    // The presets of swap networks lie beside this folder.
    fs: { allow: ['..'] },
    proxy: {
      // The data plane of Azure stands at the root; the pages of the app are elsewhere.
      '^/(models|query|digitaltwins|eventroutes|jobs)(/|\\?|$)': { target: server, changeOrigin: false },
      '/api/': { target: server, changeOrigin: false },
      // Stations fetch firmware from the address under which the page was open.
      '/files/': { target: server, changeOrigin: false },
      // Partners come to the address that the operator gave them, most likely that of the page.
      '/ocpi/': { target: server, changeOrigin: false },
      '/live': { target: server.replace(/^http/, 'ws'), ws: true, changeOrigin: false },
    },
  },
  build: {
    target: 'es2022',
    // Fonts and icons stay files: a data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      output: {
        // Named groups keep the heavy stacks out of the first load: a page that shows no 3D, chart or dialog
        // never fetches them, and a release that touches only our code leaves the vendor files cached.
        codeSplitting: {
          groups: [
            { name: 'three', test: /node_modules\/three\//, priority: 40 },
            {
              name: 'fiber',
              test: /node_modules\/(@react-three|its-fine|react-use-measure|suspend-react|react-reconciler)\//,
              priority: 30,
            },
            { name: 'charts', test: /node_modules\/uplot\//, priority: 30 },
            {
              name: 'react',
              test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store)\//,
              priority: 20,
            },
            { name: 'tanstack', test: /node_modules\/@tanstack\//, priority: 20 },
            {
              name: 'radix',
              test: /node_modules\/(@radix-ui|radix-ui|@floating-ui|react-remove-scroll|aria-hidden)/,
              priority: 20,
            },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    css: false,
  },
});
