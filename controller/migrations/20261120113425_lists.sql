DROP INDEX "server_latest_cpu_percent_index";--> statement-breakpoint
DROP INDEX "servers_organization_id_name_index";--> statement-breakpoint
ALTER TABLE "server_latest" ADD COLUMN "written_by" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "servers" ADD COLUMN "spool_id" text;--> statement-breakpoint
ALTER TABLE "servers" ADD COLUMN "spool_dropped" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "servers_list_index" ON "servers" USING btree ("organization_id",lower("name"),"id");--> statement-breakpoint
ALTER TABLE "server_latest" SET (fillfactor = 60);
