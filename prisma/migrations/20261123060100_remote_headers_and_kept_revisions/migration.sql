-- Headers that a remote server is called with: secrets, so each is sealed in a row of its own.
CREATE TABLE "revision_headers" (
    "revision_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "ciphertext" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,

    CONSTRAINT "revision_headers_pkey" PRIMARY KEY ("revision_id","name")
);
ALTER TABLE "revision_headers" ADD CONSTRAINT "revision_headers_revision_id_fkey" FOREIGN KEY ("revision_id") REFERENCES "revisions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE revision_headers ADD CONSTRAINT revision_headers_name_shape CHECK (name ~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,128}$');
ALTER TABLE revision_headers ENABLE ROW LEVEL SECURITY;
ALTER TABLE revision_headers FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON revision_headers TO toolberth_app;
CREATE POLICY admins ON revision_headers USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));

-- A revision that is no longer kept has lost its variables and headers; its row stays for the history of deployments.
ALTER TABLE "revisions" ADD COLUMN "pruned_at" TIMESTAMPTZ(3);

-- What was estimated when the deployment was accepted.
ALTER TABLE "deployments" ADD COLUMN "estimate" JSONB;

ALTER TABLE deployments DROP CONSTRAINT deployments_failed_has_cause;
ALTER TABLE deployments ADD CONSTRAINT deployments_failed_has_cause
  CHECK (state NOT IN ('failed', 'rolled_back') OR coalesce(failure ? 'code', false));
