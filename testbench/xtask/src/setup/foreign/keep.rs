//! Of unpacked packages, the few files that are used.

use crate::run;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The loader, where Debian's amd64 has it.
const LOADER: &str = "usr/lib64/ld-linux-x86-64.so.2";
/// The kernel's name in its folder; its modules lie in `modules`, and `modules/order` says how to load them.
pub(super) const KERNEL: &str = "vmlinuz";

/// Keeps a program as `program`, its loader as `loader`, its libraries in `lib`, its data files in `data`.
pub(super) fn program(root: &Path, into: &Path, file: &str, data: &[&str]) -> Result<()> {
    let (program, loader) = (root.join(file), root.join(LOADER));
    let mut list = Command::new(&loader);
    list.arg("--library-path").arg(root.join("usr/lib/x86_64-linux-gnu")).arg("--list").arg(&program);
    let told = run::output(&mut list).with_context(|| format!("the loader of {file} does not run here"))?;
    let libraries = libraries(&told)?;
    for (dir, files) in [("lib", libraries), ("data", data.iter().map(|file| root.join(file)).collect())] {
        let dir = into.join(dir);
        fs::create_dir_all(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
        for file in files {
            if !file.starts_with(root) {
                bail!("{} is this machine's, not one of the packages'", file.display());
            }
            copy(&file, &dir.join(file.file_name().unwrap_or_default()))?;
        }
    }
    copy(&loader, &into.join("loader"))?;
    copy(&program, &into.join("program"))
}

/// Keeps the kernel and, in order, those of `modules` that it has as files; each is named without its ending.
pub(super) fn kernel(root: &Path, into: &Path, modules: &[&str]) -> Result<()> {
    let boot = root.join("boot");
    let image = entries(&boot)?.into_iter().find(|path| file_name(path).starts_with("vmlinuz-"));
    let image = image.with_context(|| format!("no kernel in {}", boot.display()))?;
    copy(&image, &into.join(KERNEL))?;
    let release = file_name(&image).trim_start_matches("vmlinuz-").to_owned();
    let folder = ["lib/modules", "usr/lib/modules"].map(|place| root.join(place).join(&release).join("kernel"));
    let folder = folder.iter().find(|folder| folder.is_dir()).context("the kernel came without modules")?;
    let kept = into.join("modules");
    fs::create_dir_all(&kept).with_context(|| format!("failed to create {}", kept.display()))?;
    let mut order = String::new();
    for module in modules {
        let (file, name) = (folder.join(format!("{module}.ko")), module.rsplit('/').next().unwrap_or(module));
        copy(&file, &kept.join(format!("{name}.ko")))?;
        order += &format!("{name}.ko\n");
    }
    fs::write(kept.join("order"), order).with_context(|| format!("failed to write into {}", kept.display()))
}

/// The files of `ld.so --list`: lines of `name => path (address)`; the loader and the kernel's own have no arrow.
fn libraries(told: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (name, path) in told.lines().filter_map(|line| line.trim().split_once(" => ")) {
        match path.split_once(" (") {
            Some((path, _)) => found.push(PathBuf::from(path)),
            None => bail!("{name} is in none of the packages"),
        }
    }
    found.retain(|path| !path.ends_with("ld-linux-x86-64.so.2"));
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("failed to list {}", dir.display()))?;
    Ok(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_the_lines_with_an_arrow_and_a_missing_one_is_named() {
        let told = "\tlinux-vdso.so.1 (0x7ff)\n\tlibz.so.1 => /r/usr/lib/libz.so.1 (0x7f0)\n\
                    \t/lib64/ld-linux-x86-64.so.2 => /r/usr/lib64/ld-linux-x86-64.so.2 (0x7f1)\n";
        assert_eq!(libraries(told).expect("a list"), [PathBuf::from("/r/usr/lib/libz.so.1")]);
        let error = libraries("\tlibcapstone.so.5 => not found\n").expect_err("it is missing").to_string();
        assert!(error.contains("libcapstone.so.5"), "{error}");
    }

    #[test]
    fn a_kernel_is_kept_with_its_modules_in_order() {
        let dir = std::env::temp_dir().join(format!("weir-keep-{}", std::process::id()));
        let (root, into) = (dir.join("root"), dir.join("kept"));
        let put = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("a file");
        };
        put("boot/System.map-6.1", "");
        put("boot/vmlinuz-6.1", "image");
        put("lib/modules/6.1/kernel/drivers/vfio/vfio.ko", "vfio");
        put("lib/modules/6.1/kernel/virt/lib/irqbypass.ko", "bypass");
        fs::create_dir_all(&into).expect("a folder");
        kernel(&root, &into, &["virt/lib/irqbypass", "drivers/vfio/vfio"]).expect("kept");
        let read = |name: &str| fs::read_to_string(into.join(name)).expect(name);
        assert_eq!((read("vmlinuz"), read("modules/order")), ("image".into(), "irqbypass.ko\nvfio.ko\n".into()));
        assert_eq!(read("modules/vfio.ko"), "vfio");
        let error = kernel(&root, &into, &["drivers/absent"]).expect_err("it has no such module").to_string();
        assert!(error.contains("absent.ko"), "{error}");
        fs::remove_dir_all(&dir).expect("the folder");
    }
}
