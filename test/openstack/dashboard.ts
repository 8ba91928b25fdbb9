/** Horizon in a browser without a screen, worked by what a person sees in it. */
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { waitFor } from '#base'

/** Debian's; Playwright brings none of its own. */
const executablePath = '/usr/bin/chromium'

/** Enough for a server that boots, stops or moves between simulated hosts on a busy machine. */
const patienceMs = 60_000

export const openBrowser = (): Promise<Browser> =>
  // The services are root's, and chromium's own sandbox refuses root.
  chromium.launch({ executablePath, chromiumSandbox: false, args: ['--disable-gpu', '--disable-dev-shm-usage'] })

export interface Visitor {
  readonly user: string
  readonly password: string
  /** Where pictures of the pages go. */
  readonly pictures: string
}

export interface Launch {
  readonly name: string
  readonly image: string
  readonly flavor: string
  readonly network: string
  readonly key: string
}

export class Dashboard {
  readonly page: Page
  readonly #context: BrowserContext
  readonly #url: string
  readonly #visitor: Visitor
  #pictures = 0

  private constructor(context: BrowserContext, page: Page, url: string, visitor: Visitor) {
    this.#context = context
    this.page = page
    this.#url = url
    this.#visitor = visitor
  }

  static async login(browser: Browser, url: string, visitor: Visitor): Promise<Dashboard> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } })
    context.setDefaultTimeout(patienceMs)
    const page = await context.newPage()
    const dashboard = new Dashboard(context, page, url, visitor)
    await page.goto(url)
    await page.getByLabel('User Name').fill(visitor.user)
    await page.locator('#id_password').fill(visitor.password)
    await page.getByRole('button', { name: 'Sign In' }).click()
    await page.locator('#main_content, #content_body').first().waitFor()
    return dashboard
  }

  /** By its path; all that the page then asks for by itself has come. */
  async open(path: string): Promise<void> {
    const reply = await this.page.goto(`${this.#url}${path}`)
    if (reply === null || !reply.ok()) throw new Error(`${path} was answered with ${reply?.status()}`)
    await this.page.waitForLoadState('networkidle')
    await this.picture()
  }

  async picture(): Promise<void> {
    const at = new URL(this.page.url()).pathname.replaceAll(/[^a-z_-]+/gi, '_')
    const name = `${this.#visitor.user}-${String(++this.#pictures).padStart(3, '0')}${at}.png`
    await this.page.screenshot({ path: join(this.#visitor.pictures, name), fullPage: true })
  }

  /** The paths of all panels that this visitor is offered. */
  async panels(): Promise<readonly string[]> {
    const links = await this.page.locator('#sidebar-accordion a[href]').all()
    const paths = await Promise.all(links.map(link => link.getAttribute('href')))
    return [...new Set(paths.filter((path): path is string => path?.startsWith('/') === true))]
  }

  /** What the page tells as gone wrong. */
  async complaints(): Promise<readonly string[]> {
    const told = await this.page
      .locator('.alert-danger, .alert-error, .alert-warning, .error.help-block')
      .allInnerTexts()
    return told.map(text => text.replaceAll(/\s+/g, ' ').trim()).filter(text => text !== '' && text !== '×')
  }

  /** The row of a table that names this; tables behind other tabs do not count. */
  row(name: string): Locator {
    return this.page
      .locator('table.datatable tbody tr')
      .filter({ has: this.page.getByText(name, { exact: true }), visible: true })
  }

  /** Until the row, which looks after itself, shows a text that matches. */
  async shows(name: string, text: RegExp): Promise<void> {
    await this.row(name).filter({ hasText: text }).waitFor()
    await this.picture()
  }

  /** The same on a page that is asked for again and again, for what rows do not look after. */
  async comesToShow(path: string, name: string, holds: (text: string) => boolean): Promise<void> {
    await waitFor(
      `${path} to show something else of ${name}`,
      async () => {
        await this.page.goto(`${this.#url}${path}`)
        return holds(await this.row(name).innerText()) || undefined
      },
      { deadlineMs: patienceMs, everyMs: 500 },
    )
    await this.picture()
  }

  /** Chooses from the menu of a row, by the name that Horizon's code has for the action. */
  async choose(name: string, action: string): Promise<void> {
    const row = this.row(name)
    const wanted = row.locator(`[id$="__action_${action}"]`)
    await wanted.waitFor({ state: 'attached' })
    if (!(await wanted.isVisible())) await row.locator('[data-toggle="dropdown"]').click()
    await wanted.click()
  }

  get dialog(): Locator {
    return this.page.locator('.modal.in, .modal.show').last()
  }

  /** What a choice of the menu of a row has opened, with all that is in it. */
  async dialogOf(name: string, action: string): Promise<Locator> {
    await this.choose(name, action)
    await this.dialog.locator('.modal-footer').waitFor()
    await this.page.waitForLoadState('networkidle')
    return this.dialog
  }

  /** Takes the first entry of a list in the dialog that matches; Horizon draws some lists itself, over the browser's. */
  async pick(field: string, entry: RegExp): Promise<void> {
    const list = this.dialog.locator(`select#${field}`)
    const option = list.locator('option').filter({ hasText: entry }).first()
    await option.waitFor({ state: 'attached' })
    await list.selectOption((await option.getAttribute('value')) ?? '', { force: true })
  }

  /** Ticks a box of the dialog by its words: the box itself is drawn over. */
  async tick(field: string): Promise<void> {
    await this.dialog.locator(`label[for="${field}"]`).last().click()
    if (!(await this.dialog.locator(`#${field}`).isChecked())) throw new Error(`${field} is not ticked`)
  }

  /** One tab of a page of details, and what it says. */
  async tab(name: string): Promise<string> {
    const link = this.page
      .locator('.nav-tabs a[data-toggle="tab"]')
      .filter({ hasText: new RegExp(`^\\s*${name}\\s*$`) })
    await link.click()
    const pane = this.page.locator((await link.getAttribute('data-target')) ?? '')
    await pane.filter({ hasNotText: 'Loading…' }).waitFor()
    await this.picture()
    return pane.innerText()
  }

  /** Presses what a dialog is closed with, and waits for the page behind it to have taken it. */
  async confirm(): Promise<void> {
    const { dialog } = this
    await dialog.locator('.modal-footer').waitFor()
    await this.picture()
    await dialog.locator('.btn-primary, .btn-danger').last().click()
    await dialog.waitFor({ state: 'hidden' })
    await this.page.waitForLoadState('networkidle')
  }

  /** After a choice of a menu, some of which ask once more. */
  async settle(): Promise<void> {
    await this.page.waitForLoadState('networkidle')
    if (await this.dialog.isVisible()) await this.confirm()
  }

  /** Fills in what the dialog for a new server has to know, and presses its button. */
  async launch({ name, image, flavor, network, key }: Launch): Promise<void> {
    await this.page.locator('#instances__action_launch-ng').click()
    const wizard = this.page.locator('wizard')
    const step = async (title: string) => {
      await this.picture()
      await wizard
        .getByRole('link', { name: title, exact: true })
        .or(wizard.locator('li a', { hasText: title }))
        .first()
        .click()
    }
    const take = async (what: string) => {
      const row = wizard.locator('tr:visible').filter({ has: this.page.getByText(what, { exact: true }) })
      // What there is no choice of is taken already.
      const isTaken = row.locator('button.fa-arrow-down')
      const up = row.locator('button.fa-arrow-up')
      await isTaken.or(up).first().waitFor()
      if (!(await isTaken.isVisible())) await up.click()
    }
    await wizard.getByLabel('Instance Name').fill(name)
    await step('Source')
    await take(image)
    await step('Flavor')
    await take(flavor)
    await step('Networks')
    await take(network)
    await step('Key Pair')
    await take(key)
    await this.picture()
    await wizard.getByRole('button', { name: 'Launch Instance' }).click()
    await wizard.waitFor({ state: 'hidden' })
  }

  close(): Promise<void> {
    return this.#context.close()
  }
}
