-- The machine behind a toolbox that Toolberth made at a cloud. The row comes first and is never deleted: a machine that carries this
-- installation's tag and that no row remembers can only mean that the database is older than the cloud.
CREATE TYPE "droplet_step" AS ENUM ('creating', 'booting', 'securing', 'installing', 'ready', 'destroying', 'gone');

CREATE TABLE "droplets" (
    "toolbox_id" UUID NOT NULL,
    "step" "droplet_step" NOT NULL DEFAULT 'creating',
    "region" TEXT NOT NULL,
    "size" TEXT NOT NULL,
    "image" TEXT NOT NULL,
    "price_monthly" DOUBLE PRECISION,
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "sent_at" TIMESTAMPTZ(3),
    "sends" INTEGER NOT NULL DEFAULT 0,
    "droplet_id" BIGINT,
    "action_id" BIGINT,
    "ipv4" TEXT,
    "firewall_sent_at" TIMESTAMPTZ(3),
    "firewall_id" TEXT,
    "history" JSONB NOT NULL DEFAULT '[]',
    "trouble" JSONB,
    "fence" INTEGER NOT NULL DEFAULT 0,
    "lease_expires_at" TIMESTAMPTZ(3),
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "droplets_pkey" PRIMARY KEY ("toolbox_id")
);

-- Secrets of the installation that an admin stores, each sealed.
CREATE TABLE "settings" (
    "name" TEXT NOT NULL,
    "ciphertext" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "settings_pkey" PRIMARY KEY ("name")
);

-- One row: what the reaper of droplets saw last, and what waits for an admin.
CREATE TABLE "cloud_reaper" (
    "singleton" BOOLEAN NOT NULL DEFAULT true,
    "turns" BIGINT NOT NULL DEFAULT 0,
    "lease_expires_at" TIMESTAMPTZ(3),
    "ran_at" TIMESTAMPTZ(3),
    "paused_at" TIMESTAMPTZ(3),
    "reason" TEXT,
    "candidates" JSONB NOT NULL DEFAULT '[]',
    "destroy_ids" BIGINT[] DEFAULT ARRAY[]::BIGINT[],
    "keep_ids" BIGINT[] DEFAULT ARRAY[]::BIGINT[],

    CONSTRAINT "cloud_reaper_pkey" PRIMARY KEY ("singleton")
);

ALTER TABLE "droplets" ADD CONSTRAINT "droplets_toolbox_id_fkey" FOREIGN KEY ("toolbox_id") REFERENCES "toolboxes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE cloud_reaper ADD CONSTRAINT cloud_reaper_one_row CHECK (singleton);
ALTER TABLE cloud_reaper ADD CONSTRAINT cloud_reaper_reason_known CHECK (reason IN ('restored', 'unknown', 'many'));
ALTER TABLE cloud_reaper ADD CONSTRAINT cloud_reaper_pause_has_reason CHECK ((paused_at IS NULL) = (reason IS NULL));
-- Two rows never claim one machine.
CREATE UNIQUE INDEX droplets_one_row_each ON droplets (droplet_id) WHERE step <> 'gone';
CREATE INDEX droplets_due ON droplets (due_at) WHERE step NOT IN ('ready', 'gone');

ALTER TABLE outbox DROP CONSTRAINT outbox_queue_known;
ALTER TABLE outbox ADD CONSTRAINT outbox_queue_known CHECK (queue IN ('provision', 'connection-test', 'droplet'));

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['droplets', 'settings', 'cloud_reaper']
  LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO toolberth_app', t);
  END LOOP;
END $$;
REVOKE DELETE ON droplets FROM toolberth_app;
CREATE POLICY admins ON droplets USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
CREATE POLICY admins ON cloud_reaper USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
-- Nobody but the processes themselves reads a secret.
CREATE POLICY system_only ON settings USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));
