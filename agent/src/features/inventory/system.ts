import { exists, linkTarget, listFolder, readText } from "../../host/files.ts";

/** os-release(5): NAME=value lines, values in quotes or bare. */
export function parseOsRelease(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^([A-Z0-9_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    if (match) fields[match[1] as string] = (match[2] ?? match[3] ?? match[4] ?? "").replace(/\\(["'$`\\])/g, "$1");
  }
  return fields;
}

/** What DMI tells about the machine; fields that cannot be read are "". */
export interface Dmi {
  readonly vendor: string;
  readonly product: string;
  readonly board: string;
  readonly bios: string;
  readonly chassisTag: string;
}

export function readDmi(root: string): Dmi {
  const field = (name: string): string => readText(`${root}/sys/class/dmi/id/${name}`);
  return {
    vendor: field("sys_vendor"),
    product: field("product_name"),
    board: field("board_vendor"),
    bios: field("bios_vendor"),
    chassisTag: field("chassis_asset_tag"),
  };
}

/** Strings that clouds put into DMI, as cloud-init's ds-identify and the providers' documents tell. */
const clouds: readonly (readonly [id: string, field: keyof Dmi, pattern: RegExp])[] = [
  ["aws", "vendor", /^Amazon EC2/],
  ["aws", "bios", /^Amazon EC2/],
  ["gcp", "product", /^Google Compute Engine/],
  ["gcp", "vendor", /^Google$/],
  ["azure", "chassisTag", /^7783-7084-3265-9085-8269-3286-77$/],
  ["oracle", "chassisTag", /^OracleCloud\.com$/],
  ["hetzner", "vendor", /^Hetzner/],
  ["digitalocean", "vendor", /^DigitalOcean/],
  ["vultr", "vendor", /^Vultr/],
  ["linode", "vendor", /^(?:Linode|Akamai)/],
  ["scaleway", "vendor", /^Scaleway/],
  ["upcloud", "vendor", /^UpCloud/],
  ["exoscale", "product", /^Exoscale/],
  ["alibaba", "product", /^Alibaba Cloud/],
  ["tencent", "vendor", /^Tencent Cloud/],
  ["huawei", "vendor", /^Huawei Cloud/],
  ["ovh", "vendor", /^OVH/],
  ["openstack", "product", /^OpenStack/],
];

/** Cloud provider id by DMI, "" when none is known. */
export const cloudOf = (dmi: Dmi): string => clouds.find(([, field, pattern]) => pattern.test(dmi[field]))?.[0] ?? "";

/** Strings that hypervisors put into DMI, with systemd's names for them (systemd-detect-virt(1)). */
const hypervisors: readonly (readonly [id: string, pattern: RegExp])[] = [
  [
    "kvm",
    /\b(?:KVM|OpenStack|Google|Hetzner|DigitalOcean|Vultr|Linode|Akamai|Scaleway|UpCloud|Exoscale|Alibaba|Tencent|Huawei|Amazon EC2)/,
  ],
  ["oracle", /VirtualBox|innotek/],
  ["vmware", /VMware/],
  ["parallels", /Parallels/],
  ["xen", /\bXen\b/],
  ["bhyve", /BHYVE/i],
  ["kvm", /QEMU|Bochs/],
];

/** The hypervisor by DMI; "vm" for one that does not name itself there but in the CPU's flags. */
export function hypervisorOf(dmi: Dmi, cpuinfo: string): string {
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);
  // The bare-metal machines of clouds carry the provider's name too, without the flag.
  if (!isVirtual && cpuinfo.includes("flags")) return "";
  if (dmi.vendor === "Microsoft Corporation" && dmi.product === "Virtual Machine") return "microsoft";
  const text = [dmi.product, dmi.vendor, dmi.board, dmi.bios].join("\n");
  return hypervisors.find(([, pattern]) => pattern.test(text))?.[0] ?? (isVirtual ? "vm" : "");
}

/** The container that this is, "" when it is none. */
export function containerOf(root: string): string {
  const told = readText(`${root}/run/systemd/container`);
  if (told) return told;
  if (exists(`${root}/run/.containerenv`)) return "podman";
  if (exists(`${root}/.dockerenv`)) return "docker";
  // Only a container's own init carries this, and only root may look.
  return /(?:^|\0)container=([a-z-]+)/.exec(readText(`${root}/proc/1/environ`))?.[1] ?? "";
}

/** "systemd", "openrc" or "other". */
export const initOf = (root: string): string =>
  exists(`${root}/run/systemd/system`) ? "systemd" : exists(`${root}/run/openrc`) ? "openrc" : "other";

/** IANA zone of /etc/localtime or /etc/timezone; "" when unknown. */
export function timeZoneOf(root: string): string {
  const target = linkTarget(`${root}/etc/localtime`);
  const at = target.indexOf("zoneinfo/");
  return at === -1 ? readText(`${root}/etc/timezone`) : target.slice(at + "zoneinfo/".length);
}

/** Whether packages asked for a reboot (Debian family), or the running kernel was removed by an update (Arch, Fedora). */
export function rebootRequired(root: string, kernel: string): boolean {
  if (exists(`${root}/run/reboot-required`) || exists(`${root}/var/run/reboot-required`)) return true;
  const modules = [`${root}/usr/lib/modules`, `${root}/lib/modules`].map(listFolder).find((names) => names.length > 0);
  // A kernel without modules (container, own build) has no folder either; then only other kernels' folders would be there.
  return (
    modules !== undefined &&
    kernel !== "" &&
    !modules.includes(kernel) &&
    exists(`${root}/proc/modules`) &&
    readText(`${root}/proc/modules`) !== ""
  );
}
