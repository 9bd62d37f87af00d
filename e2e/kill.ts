/** kill -9 of a whole browser, as when the power fails: to be opened again over the files that it left. */
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserContext, expect } from '@playwright/test'

function areThere(group: number): boolean {
  try { process.kill(-group, 0); return true } catch { return false }
}

export async function killBrowser(context: BrowserContext, profile: string): Promise<void> {
  const gone = context.waitForEvent('close')
  // Chromium keeps its process id in the lock of the profile, as host-pid.
  const pid = Number(readlinkSync(join(profile, 'SingletonLock')).split('-').at(-1))
  process.kill(-pid, 'SIGKILL')
  await gone
  // All of its processes: the one that keeps the databases may outlive the first by a moment, and until then they can't be opened.
  await expect.poll(() => areThere(pid)).toBe(false)
}
