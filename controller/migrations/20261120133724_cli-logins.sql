CREATE TABLE "cli_logins" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_code_hash" text NOT NULL,
	"device_code_hash" text NOT NULL,
	"client" text NOT NULL,
	"address" text,
	"wanted_role" text,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"denied_at" timestamp with time zone,
	"organization_id" uuid,
	"confirmed_by" text,
	"token_name" text,
	"token_role" text,
	"token_days" integer,
	CONSTRAINT "cli_logins_userCodeHash_unique" UNIQUE("user_code_hash"),
	CONSTRAINT "cli_logins_deviceCodeHash_unique" UNIQUE("device_code_hash")
);
--> statement-breakpoint
ALTER TABLE "cli_logins" ADD CONSTRAINT "cli_logins_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cli_logins" ADD CONSTRAINT "cli_logins_confirmed_by_users_id_fk" FOREIGN KEY ("confirmed_by") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "cli_logins_expires_at_index" ON "cli_logins" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "cli_logins_confirmed_by_index" ON "cli_logins" USING btree ("confirmed_by");--> statement-breakpoint
CREATE INDEX "cli_logins_organization_id_index" ON "cli_logins" USING btree ("organization_id");