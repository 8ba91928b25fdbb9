import { type Database, type Migration, migrate, Resident, type Shapes } from '#store/engine'
import type { ImageTables } from './rows.ts'

export const imageMigrations: readonly Migration[] = [
  {
    name: '001-image',
    up: async db => {
      await db.schema
        .createTable('image_images')
        .addColumn('id', 'varchar(36)', c => c.primaryKey())
        .addColumn('name', 'varchar(255)')
        .addColumn('status', 'varchar(30)', c => c.notNull())
        .addColumn('visibility', 'varchar(30)', c => c.notNull())
        .addColumn('owner', 'varchar(255)')
        .addColumn('disk_format', 'varchar(20)')
        .addColumn('container_format', 'varchar(20)')
        .addColumn('size_bytes', 'bigint')
        .addColumn('virtual_size_bytes', 'bigint')
        .addColumn('min_disk_gib', 'integer', c => c.notNull())
        .addColumn('min_ram_mib', 'integer', c => c.notNull())
        .addColumn('checksum', 'varchar(32)')
        .addColumn('hash_algorithm', 'varchar(64)')
        .addColumn('hash_value', 'varchar(128)')
        .addColumn('is_protected', 'integer', c => c.notNull())
        .addColumn('is_hidden', 'integer', c => c.notNull())
        .addColumn('created_at_ms', 'bigint', c => c.notNull())
        .addColumn('updated_at_ms', 'bigint', c => c.notNull())
        .addColumn('tags', 'text', c => c.notNull())
        .addColumn('properties', 'text', c => c.notNull())
        .addColumn('file_name', 'varchar(255)')
        .execute()
      await db.schema
        .createTable('image_members')
        .addColumn('image_id', 'varchar(36)', c => c.notNull())
        .addColumn('member_id', 'varchar(255)', c => c.notNull())
        .addColumn('status', 'varchar(20)', c => c.notNull())
        .addColumn('created_at_ms', 'bigint', c => c.notNull())
        .addColumn('updated_at_ms', 'bigint', c => c.notNull())
        .addPrimaryKeyConstraint('image_members_key', ['image_id', 'member_id'] as never[])
        .execute()
    },
  },
]

const shapes: Shapes<ImageTables> = {
  image_images: { key: ['id'] },
  image_members: {
    key: ['image_id', 'member_id'],
    indexes: { image: row => row.image_id, member: row => row.member_id },
  },
}

export type ImageState = Resident<ImageTables>

export async function loadImages(db: Database<ImageTables>): Promise<ImageState> {
  await migrate(db, 'image', imageMigrations)
  return Resident.load(db, shapes)
}
