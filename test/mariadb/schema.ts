import type { Migration } from '#store/engine'

/** Two tables, an index and a row; `inBetween` runs when half of it is there. */
export const halfWay = (inBetween: () => Promise<void> = async () => undefined): Migration => ({
  name: '001',
  async up({ schema }) {
    await schema
      .createTable('firsts')
      .addColumn('id', 'integer', c => c.primaryKey())
      .addColumn('word', 'varchar(20)', c => c.notNull())
      .execute()
    await schema.createIndex('firsts_word').on('firsts').column('word').execute()
    await inBetween()
    await schema
      .createTable('seconds')
      .addColumn('id', 'integer', c => c.primaryKey())
      .execute()
  },
})
