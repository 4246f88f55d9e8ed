"""CPU time and memory of processes and their children, from /proc."""
import os
import threading
import time

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
PERIOD_S = 0.2


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


def rss_of(pid):
    """Resident bytes of one process."""
    for line in read(f"/proc/{pid}/status").split("\n"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Sampler:
    """Notes the CPU time of groups of processes while a load generator (a Popen) runs, with the
    number of its descriptors: when that falls, its clients leave."""

    def __init__(self, process, groups):
        self.process, self.groups = process, groups
        self.samples = []  # (seconds, descriptors, [ns of each group])
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        folder = f"/proc/{self.process.pid}/fd"
        while self.process.poll() is None:
            try:
                count = len(os.listdir(folder))
            except OSError:
                break
            self.samples.append((time.monotonic(), count, [cpu_ns(each) for each in self.groups]))
            time.sleep(PERIOD_S)

    def window(self, connections, lead_s, length_s):
        """Seconds and CPU µs of each group over the last `length_s` that ended `lead_s` before
        the clients began to leave. None when the run was too short for that."""
        self.thread.join()
        there = [sample for sample in self.samples if sample[1] >= connections]
        if not there:
            return None
        end = there[-1][0] - lead_s
        inside = [sample for sample in there if end - length_s <= sample[0] <= end]
        if len(inside) < 3:
            return None
        first, last = inside[0], inside[-1]
        used = [(after - before) / 1000 for before, after in zip(first[2], last[2])]
        return last[0] - first[0], used
