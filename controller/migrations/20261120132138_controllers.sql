CREATE TABLE "controllers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hostname" text NOT NULL,
	"roles" text[] NOT NULL,
	"version" text NOT NULL,
	"internal_address" text,
	"started_at" timestamp with time zone NOT NULL,
	"seen_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "installation" ADD COLUMN "master_key_check" text;--> statement-breakpoint
ALTER TABLE "installation" ADD COLUMN "task_signing_key_sha256" text;