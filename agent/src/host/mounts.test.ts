import { expect, it } from "vitest";
import { parseMounts, unescapeMount } from "./mounts.ts";

const points = (text: string): string[] => parseMounts(text).map((m) => m.mountPoint);

it("reports each stored file system once, by its shortest path", () => {
  const text = `21 27 0:21 / /proc rw shared:5 - proc proc rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 27 254:1 /var/lib/data /srv/bind rw - ext4 /dev/vda1 rw
31 27 254:2 / /mnt/my\\040disk\\134x rw shared:2 master:3 - xfs /dev/my\\040disk rw
32 27 0:50 /@home /home rw - btrfs /dev/sdb rw
33 27 0:50 /@home/docker /home/docker rw - btrfs /dev/sdb rw
34 27 0:60 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw
35 27 0:61 / /mnt/nfs rw - nfs4 server:/export rw
36 27 0:62 / /mnt/ssh rw - fuse.sshfs me@host:/ rw
37 27 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
38 27 0:63 / /tmp rw - tmpfs tmpfs rw
39 27 0:64 / /run rw - tmpfs tmpfs rw
40 27 254:3 / /boot/efi rw - vfat /dev/vda3 rw
`;
  expect(points(text)).toEqual(["/", "/boot/efi", "/home", "/mnt/my disk\\x", "/tmp"]);
  expect(parseMounts(text)[3]).toMatchObject({ source: "/dev/my disk", type: "xfs" });
});

it("takes the uppermost of mounts that lie over each other", () => {
  expect(points("1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /data rw - ext4 /dev/b rw\n3 1 0:9 / /data rw - nfs s:/x rw\n")).toEqual(["/"]);
});

it("shows a container's root and not the files mounted into it", () => {
  const text = `1 0 0:70 / / rw - overlay overlay rw
2 1 254:1 /var/lib/docker/containers/x/hosts /etc/hosts rw - ext4 /dev/vda1 rw
3 1 254:1 /volumes/v /data rw - ext4 /dev/vda1 rw
`;
  expect(points(text)).toEqual(["/", "/data"]);
});

it("undoes octal escapes", () => expect(unescapeMount("a\\040b\\011c\\134040")).toBe("a b\tc\\040"));
