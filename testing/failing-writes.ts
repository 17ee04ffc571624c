import { query } from '#testing/database.ts'
import { tableNames } from '#testing/tables.ts'

export interface FailingWrites {
  /** Each later transaction fails at its n-th writing statement, whichever table it is on; 0: none does. */
  failAt(n: number): Promise<void>
  /** Writing statements of the last transaction that wrote at all, in order: `insert mcp_servers`. */
  written(): Promise<string[]>
}

/**
 * Triggers on every table that count a transaction's writing statements, those of deferred triggers at COMMIT too, and can fail
 * any one of them.
 */
export async function installFailingWrites(adminUrl: string): Promise<FailingWrites> {
  await query(
    adminUrl,
    `CREATE SCHEMA failing;
     CREATE TABLE failing.control (fail_at int NOT NULL);
     INSERT INTO failing.control VALUES (0);
     CREATE FUNCTION failing.count_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
     DECLARE
       so_far text := coalesce(current_setting('failing.writes', true), '');
       list text := CASE so_far WHEN '' THEN '' ELSE so_far || ',' END || lower(TG_OP) || ' ' || TG_TABLE_NAME;
     BEGIN
       PERFORM set_config('failing.writes', list, true);
       IF array_length(string_to_array(list, ','), 1) = (SELECT fail_at FROM failing.control) THEN
         RAISE EXCEPTION 'injected at %', list;
       END IF;
       RETURN NULL;
     END $$;
     CREATE TABLE failing.last (writes text NOT NULL);
     CREATE FUNCTION failing.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
     BEGIN
       DELETE FROM failing.last;
       INSERT INTO failing.last VALUES (current_setting('failing.writes', true));
       RETURN NULL;
     END $$`,
  )
  for (const name of await tableNames(adminUrl))
    await query(
      adminUrl,
      `CREATE TRIGGER aa_count_write BEFORE INSERT OR UPDATE OR DELETE ON public.${name} FOR EACH STATEMENT EXECUTE FUNCTION failing.count_write();
       CREATE CONSTRAINT TRIGGER zz_keep AFTER INSERT OR UPDATE OR DELETE ON public.${name} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION failing.keep()`,
    )
  return {
    async failAt(n) {
      await query(adminUrl, 'UPDATE failing.control SET fail_at = $1', [n])
    },
    async written() {
      const [row] = await query<{ writes: string }>(adminUrl, 'SELECT writes FROM failing.last')
      return row?.writes.split(',') ?? []
    },
  }
}
