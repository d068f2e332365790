ALTER TABLE "invitations" ADD COLUMN "inviter_kind" text DEFAULT 'user' NOT NULL;--> statement-breakpoint
ALTER TABLE "invitations" ADD COLUMN "inviter_id" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "invitations" ADD COLUMN "mailed_at" timestamp with time zone;