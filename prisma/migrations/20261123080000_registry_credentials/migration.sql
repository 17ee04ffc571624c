-- What the toolboxes need to pull images of private registries; the password is encrypted under the master key.
CREATE TABLE "registry_credentials" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "host" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "password" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "registry_credentials_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "registry_credentials_host_key" ON "registry_credentials"("host");
ALTER TABLE registry_credentials ADD CONSTRAINT registry_credentials_host_shape
  CHECK (host ~ '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$' AND length(host) <= 255);

ALTER TABLE registry_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry_credentials FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON registry_credentials TO toolberth_app;
CREATE POLICY admins ON registry_credentials USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
