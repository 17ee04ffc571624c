CREATE TYPE "catalog_origin" AS ENUM ('seed', 'imported', 'created');

CREATE TABLE "catalog_entries" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "categories" TEXT[],
    "icon_url" TEXT,
    "docs_url" TEXT,
    "publisher" TEXT,
    "origin" "catalog_origin" NOT NULL,
    "edited_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "catalog_entries_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "catalog_releases" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "entry_id" UUID NOT NULL,
    "version" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "catalog_releases_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "catalog_releases_entry_id_version_key" ON "catalog_releases"("entry_id", "version");
ALTER TABLE "catalog_releases" ADD CONSTRAINT "catalog_releases_entry_id_fkey" FOREIGN KEY ("entry_id")
  REFERENCES "catalog_entries"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE UNIQUE INDEX catalog_entries_slug_unique ON catalog_entries (slug) WHERE deleted_at IS NULL;
ALTER TABLE catalog_entries ADD CONSTRAINT catalog_entries_slug_shape
  CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) BETWEEN 3 AND 40);
-- How many servers an entry has is counted by what their revisions say.
CREATE INDEX revisions_catalog_slug_idx ON revisions ((spec -> 'catalog' ->> 'slug')) WHERE spec ? 'catalog';

ALTER TABLE catalog_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalog_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE catalog_releases ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalog_releases FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON catalog_entries, catalog_releases TO toolberth_app;
CREATE POLICY admins ON catalog_entries USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
CREATE POLICY admins ON catalog_releases USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
