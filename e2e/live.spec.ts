import type { Page } from '@playwright/test'
import { expect, test } from '#e2e/fixtures.ts'
import { expectNoReload, watchReloads } from '#e2e/pages.ts'

const stream = (page: Page, state: string) => page.locator(`[data-stream="${state}"]`).first()

/** Headless Chromium never hides a page: the page is told that it was. */
async function setVisibility(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}

test('a hidden tab holds no stream, and misses nothing once it is back', async ({ adminPage: page, api }) => {
  // What a first look costs, on a slow machine, is more than the stream waits for the list that it starts from.
  await page.goto('/agents')
  await expect(stream(page, 'live')).toBeVisible()
  const cursors: (string | undefined)[] = []
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (!url.pathname.endsWith('/status.stream')) return
    cursors.push(JSON.parse(url.searchParams.get('input') ?? '{}').json?.cursor)
  })
  await page.reload()
  await expect(stream(page, 'live')).toBeVisible()
  await watchReloads(page)
  expect(cursors, 'it starts where the list ended').toEqual([expect.stringMatching(/:/)])

  const seen = await api.agents.create.mutate({ name: 'Made while in view' })
  await expect(page.getByRole('link', { name: seen.name })).toBeVisible()

  await setVisibility(page, 'hidden')
  await expect(stream(page, 'paused')).toBeVisible()
  const missed = await api.agents.create.mutate({ name: 'Made while hidden' })
  await setVisibility(page, 'visible')
  await expect(page.getByRole('link', { name: missed.name })).toBeVisible()
  await expect(stream(page, 'live')).toBeVisible()
  expect(cursors[1], 'it goes on where it left off').not.toBe(cursors[0])
  expect(cursors).toHaveLength(2)
  await expectNoReload(page)

  for (const { id } of [seen, missed]) await api.agents.delete.mutate({ id })
  await expect(page.getByRole('link', { name: missed.name })).toHaveCount(0)
})

test('a stream that breaks is said to be broken, and is opened again', async ({ adminPage: page }) => {
  let broken = true
  await page.route('**/api/trpc/status.stream*', (route) =>
    broken ? route.fulfill({ status: 502, body: 'a proxy in between' }) : route.fallback(),
  )
  await page.goto('/agents')
  await expect(page.getByRole('heading', { name: 'My agents' })).toBeVisible()
  await expect(stream(page, 'connecting')).toBeVisible()
  broken = false
  await expect(stream(page, 'live')).toBeVisible()
})

test('a page whose data cannot be fetched says so and can try again', async ({ adminPage: page }) => {
  let broken = true
  await page.route('**/api/trpc/servers.list*', (route) => (broken ? route.abort() : route.fallback()))
  await page.goto('/admin/servers')
  const alert = page.getByRole('alert').filter({ hasText: 'Toolberth cannot be reached.' })
  await expect(alert).toContainText('Check your connection')
  broken = false
  // The stream's return may fetch anew before the hand does.
  await alert
    .getByRole('button', { name: 'Try again' })
    .click({ timeout: 5_000 })
    .catch(() => undefined)
  await expect(alert).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'Deploy server' })).toBeVisible()
})
