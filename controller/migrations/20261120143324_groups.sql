CREATE TABLE "default_views" (
	"organization_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"view_id" uuid NOT NULL,
	CONSTRAINT "default_views_organization_id_user_id_pk" PRIMARY KEY("organization_id","user_id")
);
--> statement-breakpoint
ALTER TABLE "server_groups" DROP CONSTRAINT "server_groups_organizationId_name_unique";--> statement-breakpoint
ALTER TABLE "default_views" ADD CONSTRAINT "default_views_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "default_views" ADD CONSTRAINT "default_views_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "default_views" ADD CONSTRAINT "default_views_view_id_saved_views_id_fk" FOREIGN KEY ("view_id") REFERENCES "public"."saved_views"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "default_views_view_id_index" ON "default_views" USING btree ("view_id");--> statement-breakpoint
CREATE UNIQUE INDEX "server_groups_name_index" ON "server_groups" USING btree ("organization_id",lower("name"));