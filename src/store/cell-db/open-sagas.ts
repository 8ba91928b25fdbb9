import type { ExpressionBuilder } from 'kysely'
import type { Tables } from '../tables.ts'

/** Of instances: nobody works on it. */
export const hasNoOpenSaga = (e: ExpressionBuilder<Tables, 'instances'>) =>
  e.not(
    e.exists(
      e
        .selectFrom('sagas')
        .select('sagas.id')
        .whereRef('sagas.instance_id', '=', 'instances.id')
        .where('sagas.status', '=', 'open'),
    ),
  )
