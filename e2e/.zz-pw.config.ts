import { defineConfig } from '@playwright/test'
export default defineConfig({ testDir: '/work/main/e2e', workers: 1, timeout: 90_000, reporter: [['list']], outputDir: '/tmp/disk/results' })
