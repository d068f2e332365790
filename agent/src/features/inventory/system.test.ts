import { expect, it } from "vitest";
import { cloudOf, type Dmi, hypervisorOf, parseOsRelease } from "./system.ts";

const dmi = (fields: Partial<Dmi>): Dmi => ({ vendor: "", product: "", board: "", bios: "", chassisTag: "", ...fields });
const VIRTUAL = "flags\t\t: fpu vme hypervisor lahf_lm\n";
const METAL = "flags\t\t: fpu vme lahf_lm\n";

it("reads os-release with and without quotes", () => {
  const text = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n# comment\nVERSION_ID='12'\nNAME="a \\"b\\" \\$c"\n`;
  expect(parseOsRelease(text)).toEqual({ PRETTY_NAME: "Debian GNU/Linux 12 (bookworm)", ID: "debian", VERSION_ID: "12", NAME: 'a "b" $c' });
});

it.each([
  ["aws", dmi({ vendor: "Amazon EC2", product: "t3.micro" })],
  ["aws", dmi({ vendor: "Xen", bios: "Amazon EC2" })],
  ["gcp", dmi({ vendor: "Google", product: "Google Compute Engine" })],
  ["azure", dmi({ vendor: "Microsoft Corporation", chassisTag: "7783-7084-3265-9085-8269-3286-77" })],
  ["hetzner", dmi({ vendor: "Hetzner", product: "vServer" })],
  ["openstack", dmi({ product: "OpenStack Nova" })],
  ["", dmi({ vendor: "Dell Inc.", product: "PowerEdge R640" })],
  ["", dmi({ vendor: "Microsoft Corporation", product: "Virtual Machine" })],
])("tells the cloud %j", (cloud, fields) => expect(cloudOf(fields)).toBe(cloud));

it.each([
  ["kvm", dmi({ vendor: "QEMU", product: "Standard PC (Q35 + ICH9, 2009)" }), VIRTUAL],
  ["kvm", dmi({ vendor: "Hetzner", product: "vServer" }), VIRTUAL],
  ["vmware", dmi({ vendor: "VMware, Inc." }), VIRTUAL],
  ["oracle", dmi({ vendor: "innotek GmbH", product: "VirtualBox" }), VIRTUAL],
  ["microsoft", dmi({ vendor: "Microsoft Corporation", product: "Virtual Machine" }), VIRTUAL],
  ["vm", dmi({}), VIRTUAL],
  ["", dmi({ vendor: "Amazon EC2", product: "m5.metal" }), METAL],
  ["", dmi({ vendor: "Dell Inc." }), METAL],
  ["kvm", dmi({ vendor: "QEMU" }), "Features : fp asimd\n"],
])("tells the hypervisor %j", (expected, fields, cpuinfo) => expect(hypervisorOf(fields, cpuinfo)).toBe(expected));
