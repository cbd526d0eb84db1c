//! Which accelerators of this machine Python operators may have.

use std::ffi::OsStr;

use wrasse_local::Devices;

/// Those that are visible to this program; of these, so many as the user says.
pub(crate) fn of_this_machine(gpus: Option<usize>, npus: Option<usize>) -> Devices {
    let of = |variable: &str, file: &str, most| {
        let listed = std::env::var_os(variable);
        let listed = listed.as_ref().map(|listed| listed.to_string_lossy());
        let found = if listed.is_none() { n_files(file) } else { 0 };
        visible(listed.as_deref(), found, most)
    };
    Devices {
        gpus: of("CUDA_VISIBLE_DEVICES", "nvidia", gpus),
        npus: of("ASCEND_RT_VISIBLE_DEVICES", "davinci", npus),
    }
}

/// `listed`: what the variable says. Otherwise there are as many as the user says,
/// or as were found.
fn visible(listed: Option<&str>, found: usize, most: Option<usize>) -> Vec<String> {
    match listed {
        Some(listed) => { listed.split(',').map(str::trim) }
            // As CUDA reads it: nothing counts from there on.
            .take_while(|name| !name.is_empty() && *name != "-1")
            .take(most.unwrap_or(usize::MAX))
            .map(str::to_owned)
            .collect(),
        None => (0..most.unwrap_or(found)).map(|i| i.to_string()).collect(),
    }
}

/// Devices that have this name and a number.
fn n_files(name: &str) -> usize {
    let is_one = |file: &OsStr| {
        let number = file.to_str().and_then(|file| file.strip_prefix(name));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    entries.filter(|entry| is_one(&entry.file_name())).count()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn the_variable_lists_them_and_the_flag_takes_the_first() {
        assert_eq!(visible(Some("3,GPU-8f, 5"), 8, None), ["3", "GPU-8f", "5"]);
        assert_eq!(visible(Some("3,GPU-8f,5"), 8, Some(2)), ["3", "GPU-8f"]);
        assert_eq!(visible(Some(""), 8, Some(2)), [""; 0]);
        assert_eq!(visible(Some("0,-1,1"), 8, None), ["0"]);
        assert_eq!(visible(None, 2, None), ["0", "1"]);
        assert_eq!(visible(None, 0, Some(1)), ["0"]);
    }
}
