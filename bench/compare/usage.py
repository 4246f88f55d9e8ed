"""CPU time of processes and their children, from /proc; and who goes first."""
import os

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # it has ended meanwhile
        return ""


def family(roots):
    """The processes and all that descend from them."""
    found, rest = [], list(roots)
    while rest:
        pid = rest.pop()
        found.append(pid)
        for task in threads(pid):
            rest += [int(child) for child in
                     read(f"/proc/{pid}/task/{task}/children").split()]
    return found


def threads(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def waited_ns(pid):
    """CPU time of children that have ended and were waited for."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK_NS if len(fields) > 14 else 0


def cpu_ns(roots):
    """Of the processes and their children, also of those that have ended."""
    total = 0
    for pid in family(roots):
        total += waited_ns(pid)
        for task in threads(pid):
            line = read(f"/proc/{pid}/task/{task}/schedstat").split()
            total += int(line[0]) if line else 0
    return total


def prefer(pid, priority):
    """Where the kernel shares CPUs among sessions (sched_autogroup), nice values count within a
    session only; this is the one of the session that `pid` is in. Root alone may."""
    try:
        with open(f"/proc/{pid}/autogroup", "w") as file:
            file.write(str(-priority))
    except OSError:
        return False
    return True
