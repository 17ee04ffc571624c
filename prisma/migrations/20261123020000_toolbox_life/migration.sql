-- What a toolbox goes through besides its state: drained, deleted, installed, upgraded; and where one deployment runs.
ALTER TABLE toolboxes
  ADD COLUMN drain_requested_at TIMESTAMPTZ(3),
  ADD COLUMN deleted_at TIMESTAMPTZ(3),
  ADD COLUMN bootstrap JSONB,
  ADD COLUMN agent_build TEXT,
  ADD COLUMN upgrade JSONB;
ALTER TABLE toolboxes ADD CONSTRAINT toolboxes_deleted_is_deleting CHECK (deleted_at IS NULL OR state = 'deleting');

ALTER TABLE deployments ADD COLUMN toolbox_id UUID;
ALTER TABLE deployments ADD CONSTRAINT deployments_toolbox_id_fkey
  FOREIGN KEY (toolbox_id) REFERENCES toolboxes(id) ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TABLE toolbox_metrics (
  toolbox_id UUID NOT NULL,
  at TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  cpus DOUBLE PRECISION NOT NULL,
  load DOUBLE PRECISION NOT NULL,
  memory_total_bytes BIGINT NOT NULL,
  memory_free_bytes BIGINT NOT NULL,
  disk_total_bytes BIGINT NOT NULL,
  disk_free_bytes BIGINT NOT NULL,
  CONSTRAINT toolbox_metrics_pkey PRIMARY KEY (toolbox_id, at)
);
ALTER TABLE toolbox_metrics ADD CONSTRAINT toolbox_metrics_toolbox_id_fkey
  FOREIGN KEY (toolbox_id) REFERENCES toolboxes(id) ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX toolbox_metrics_at_idx ON toolbox_metrics (at);

ALTER TABLE toolbox_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE toolbox_metrics FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON toolbox_metrics TO toolberth_app;
CREATE POLICY admins ON toolbox_metrics USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
