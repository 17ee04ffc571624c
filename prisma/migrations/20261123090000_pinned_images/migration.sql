-- A revision with a tag runs the image that it first went live with. Instances that are there already keep the spec that they have.
ALTER TABLE "revisions" ADD COLUMN "image_digest" TEXT;
ALTER TABLE "instances" ADD COLUMN "image_digest" TEXT;
ALTER TABLE revisions ADD CONSTRAINT revisions_image_digest_shape CHECK (image_digest ~ '^sha256:[0-9a-f]{64}$');
ALTER TABLE instances ADD CONSTRAINT instances_image_digest_shape CHECK (image_digest ~ '^sha256:[0-9a-f]{64}$');
