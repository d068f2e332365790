CREATE TABLE "user_choices" (
	"user_id" text PRIMARY KEY NOT NULL,
	"first_steps_away" boolean
);
--> statement-breakpoint
ALTER TABLE "user_choices" ADD CONSTRAINT "user_choices_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;