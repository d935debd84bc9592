# What the container of the demo prints about itself. Only the shell and /proc are needed: it runs on any userland.

line() { printf '  %-14s %s\n' "$1" "$2"; }

# The value of a line in /proc/self/status.
status() {
  while read -r key value; do
    [ "$key" != "$1:" ] || printf '%s' "$value"
  done </proc/self/status
}

# The names of the bits that are set, in the order of <linux/capability.h>.
capabilities() {
  bit=0
  for name in CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE \
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT \
    SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG \
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE; do
    [ $(((0x$1 >> bit) & 1)) = 0 ] || printf '%s ' "$name"
    bit=$((bit + 1))
  done
}

processes() {
  for directory in /proc/[0-9]*; do
    # What runs for this list only, such as a subshell, may be gone before it is read.
    read -r name 2>/dev/null <"$directory/comm" || continue
    [ "${directory#/proc/}" = $$ ] && printf '%s (pid %s) ' "$name" "$$" && continue
    [ "$(readlink "$directory/exe")" = "$(readlink /proc/$$/exe)" ] || printf '%s (pid %s) ' "$name" "${directory#/proc/}"
  done
}

interfaces() {
  while IFS=: read -r name counters; do
    # The two lines of headings have a bar in them.
    case "$name$counters" in *'|'*) ;; *) printf '%s ' "${name##* }" ;; esac
  done </proc/net/dev
}

# The first hierarchy in which it is not in the root.
cgroup() {
  found=/
  while IFS=: read -r _ _ path; do
    [ "$found" != / ] || found=$path
  done </proc/self/cgroup
  printf '%s' "$found"
}

mounts() {
  below=0
  while read -r _ _ _ _ point options rest; do
    case "$point" in
      /?*/*) below=$((below + 1)) ;;
      *)
        kind=${rest#*- }
        printf '  %-14s %-10s %-8s %s\n' "${title-mounts}" "$point" "${kind%% *}" "$(printf '%.2s' "$options")"
        title=
        ;;
    esac
  done </proc/self/mountinfo
  printf '  %-14s %s\n' '' "and $below below these: devices, files of /etc, what is masked or read-only"
}

try() { if (eval "$2") 2>/dev/null; then line "$1" "yes"; else line "$1" "no"; fi; }

read -r host </proc/sys/kernel/hostname
line pid "$$"
line hostname "$host (outside: $OUTSIDE_HOSTNAME)"
line user "uid $(id -u), gid $(id -g)"
line capabilities "$(capabilities "$(status CapEff)")"
line "new privileges" "$([ "$(status NoNewPrivs)" = 1 ] && echo "none to be had (no_new_privs)" || echo "possible")"
line processes "$(processes)"
line network "$(interfaces)"
line cgroup "$(cgroup)"
mounts
try "writes to /" ': >/written'
try "writes to /usr" ': >/usr/written'
