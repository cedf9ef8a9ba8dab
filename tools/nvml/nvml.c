/*
 * A stand-in for NVIDIA's management library that answers from a table made by ./build out of a description.
 *
 * It exists so that the real callers (nvidia-ml-py, the Kubernetes device plugin, the container toolkit) can be run
 * where there is no card. Names, structures and codes are those of NVIDIA's nvml.h; what a caller may ask and we do
 * not describe answers NVML_ERROR_NOT_SUPPORTED, as a GeForce card does for much of it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9, TIMEOUT = 10, LIBRARY_NOT_FOUND = 12, GPU_IS_LOST = 15, LIB_RM_VERSION_MISMATCH = 18,
};
enum { FELL_OFF_THE_BUS = 79, EVENT_XID = 8, EVENTS_SUPPORTED = 1 | 2 | 8 };
enum { FEATURE_MISSING = -1, POLL_US = 50000, LINE = 1024 };
#define NO_INSTANCE 0xFFFFFFFFu

struct process {
    unsigned int card, pid;
    int graphics;
    unsigned long long bytes;
    const char *name;
};
struct card {
    const char *name, *uuid, *bus, *legacy_bus;
    unsigned int domain, number, slot, device, minor;
    unsigned long long total, used;
    int major, minor_capability;
    int ecc, mig, persistence, lost; /* ecc and mig: FEATURE_MISSING where the card has none */
    unsigned int power_limit; /* mW; 0 where the card does not tell */
};
typedef const struct card *Device;

/* DRIVER_VERSION, NVML_VERSION, CUDA_VERSION, INIT_ERROR, ROOT, CARD_COUNT, CARDS, PROCESS_COUNT, PROCESSES */
#include DESCRIPTION

typedef struct {
    char legacy[16];
    unsigned int domain, bus, device, pci_device, subsystem;
    char bus_id[32];
} PciInfo;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } Memory2;
typedef struct { unsigned int pid; unsigned long long bytes; unsigned int gpu_instance, compute_instance; } ProcessInfo;
typedef struct {
    Device device;
    unsigned long long type, data;
    unsigned int gpu_instance, compute_instance;
} Event;
typedef struct { long offset; unsigned long long wanted[CARD_COUNT + 1]; } *EventSet;

static int users;

/* A file of the host that the cards are said to be in; NULL where there is no such file, or no such host. */
static FILE *host_file(const char *path)
{
    const char *named = getenv("SIMULATED_NVML_ROOT"), *root = named && *named ? named : ROOT;
    char full[PATH_MAX];
    if (!*root || snprintf(full, sizeof full, "%s/%s", root, path) >= (int)sizeof full)
        return NULL;
    return fopen(full, "r");
}

/* A line of the kernel's log, "NVRM: Xid (PCI:0000:01:00): 79, ...": which of our cards failed, and how? */
static int is_fault(const char *line, unsigned int *index, unsigned int *xid)
{
    unsigned int domain, number, slot;
    const char *told = strstr(line, "Xid (PCI:");
    if (!told || sscanf(told, "Xid (PCI:%x:%x:%x): %u", &domain, &number, &slot, xid) != 4)
        return 0;
    for (*index = 0; *index < CARD_COUNT; ++*index)
        if (CARDS[*index].domain == domain && CARDS[*index].number == number && CARDS[*index].slot == slot)
            return 1;
    return 0;
}

/* A card stays lost from its Xid 79 on, for every process, until the line is taken out of the log. */
static int is_lost(Device card)
{
    char line[LINE];
    unsigned int index, xid;
    int lost = card->lost;
    FILE *log = host_file("dev/kmsg");
    if (!log)
        return lost;
    while (fgets(line, sizeof line, log))
        lost |= is_fault(line, &index, &xid) && xid == FELL_OFF_THE_BUS && &CARDS[index] == card;
    fclose(log);
    return lost;
}

/* As the real library does, this one works with the module of its own version alone. */
static int init_error(void)
{
    char loaded[32] = "";
    FILE *version = host_file("sys/module/nvidia/version");
    if (!version)
        return INIT_ERROR;
    int told = fscanf(version, "%31s", loaded);
    fclose(version);
    return told == 1 && strcmp(loaded, DRIVER_VERSION) ? LIB_RM_VERSION_MISMATCH : INIT_ERROR;
}

static int checked(Device card)
{
    if (!users)
        return UNINITIALIZED;
    if (card < CARDS || card >= CARDS + CARD_COUNT)
        return INVALID_ARGUMENT;
    return is_lost(card) ? GPU_IS_LOST : SUCCESS;
}

#define CHECK(card) do { int code_ = checked(card); if (code_) return code_; } while (0)

static int copied(char *to, unsigned int length, const char *from)
{
    if (!users)
        return UNINITIALIZED;
    if (strlen(from) >= length)
        return INSUFFICIENT_SIZE;
    strcpy(to, from);
    return SUCCESS;
}

/* Start and end */
int nvmlInitWithFlags(unsigned int flags)
{
    (void)flags;
    int error = init_error();
    if (error)
        return error;
    users++;
    return SUCCESS;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlInit(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return users ? (users--, SUCCESS) : UNINITIALIZED; }

const char *nvmlErrorString(int code)
{
    switch (code) {
    case SUCCESS: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NOT_FOUND: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case TIMEOUT: return "Timeout";
    case LIBRARY_NOT_FOUND: return "NVML Shared Library Not Found";
    case GPU_IS_LOST: return "GPU is lost";
    case LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

/* The system */
int nvmlSystemGetDriverVersion(char *to, unsigned int length) { return copied(to, length, DRIVER_VERSION); }
int nvmlSystemGetNVMLVersion(char *to, unsigned int length) { return copied(to, length, NVML_VERSION); }
int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = CUDA_VERSION;
    return users ? SUCCESS : UNINITIALIZED;
}
int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

int nvmlSystemGetProcessName(unsigned int pid, char *to, unsigned int length)
{
    for (unsigned int i = 0; i < PROCESS_COUNT; i++)
        if (PROCESSES[i].pid == pid)
            return copied(to, length, PROCESSES[i].name);
    return users ? NOT_FOUND : UNINITIALIZED;
}

/* Finding a card; a lost one is counted and has no handle, as with NVIDIA's library */
int nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = CARD_COUNT;
    return users ? SUCCESS : UNINITIALIZED;
}
int nvmlDeviceGetCount(unsigned int *count) { return nvmlDeviceGetCount_v2(count); }

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, Device *card)
{
    if (users && index >= CARD_COUNT)
        return INVALID_ARGUMENT;
    *card = &CARDS[index];
    return checked(*card);
}
int nvmlDeviceGetHandleByIndex(unsigned int index, Device *card) { return nvmlDeviceGetHandleByIndex_v2(index, card); }

int nvmlDeviceGetHandleByUUID(const char *uuid, Device *card)
{
    for (*card = CARDS; *card < CARDS + CARD_COUNT; (*card)++)
        if (!strcmp((*card)->uuid, uuid))
            return checked(*card);
    return users ? NOT_FOUND : UNINITIALIZED;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, Device *card)
{
    for (*card = CARDS; *card < CARDS + CARD_COUNT; (*card)++)
        if (!strcasecmp((*card)->bus, bus) || !strcasecmp((*card)->legacy_bus, bus))
            return checked(*card);
    return users ? NOT_FOUND : UNINITIALIZED;
}
int nvmlDeviceGetHandleByPciBusId(const char *bus, Device *card) { return nvmlDeviceGetHandleByPciBusId_v2(bus, card); }

/* A card */
int nvmlDeviceGetName(Device card, char *to, unsigned int length)
{
    CHECK(card);
    return copied(to, length, card->name);
}
int nvmlDeviceGetUUID(Device card, char *to, unsigned int length)
{
    CHECK(card);
    return copied(to, length, card->uuid);
}
int nvmlDeviceGetIndex(Device card, unsigned int *index)
{
    CHECK(card);
    *index = (unsigned int)(card - CARDS);
    return SUCCESS;
}
int nvmlDeviceGetMinorNumber(Device card, unsigned int *minor)
{
    CHECK(card);
    *minor = card->minor;
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(Device card, Memory *memory)
{
    CHECK(card);
    *memory = (Memory){card->total, card->total - card->used, card->used};
    return SUCCESS;
}
int nvmlDeviceGetMemoryInfo_v2(Device card, Memory2 *memory)
{
    CHECK(card);
    *memory = (Memory2){memory->version, card->total, 0, card->total - card->used, card->used};
    return SUCCESS;
}
int nvmlDeviceGetPciInfo_v3(Device card, PciInfo *pci)
{
    CHECK(card);
    *pci = (PciInfo){.domain = card->domain, .bus = card->number, .device = card->slot, .pci_device = card->device};
    strcpy(pci->legacy, card->legacy_bus);
    strcpy(pci->bus_id, card->bus);
    return SUCCESS;
}
int nvmlDeviceGetPciInfo_v2(Device card, PciInfo *pci) { return nvmlDeviceGetPciInfo_v3(card, pci); }
int nvmlDeviceGetPciInfo(Device card, PciInfo *pci) { return nvmlDeviceGetPciInfo_v3(card, pci); }
int nvmlDeviceGetCudaComputeCapability(Device card, int *major, int *minor)
{
    CHECK(card);
    *major = card->major;
    *minor = card->minor_capability;
    return SUCCESS;
}
int nvmlDeviceGetEccMode(Device card, int *current, int *pending)
{
    CHECK(card);
    *current = *pending = card->ecc;
    return card->ecc == FEATURE_MISSING ? NOT_SUPPORTED : SUCCESS;
}
int nvmlDeviceGetMigMode(Device card, unsigned int *current, unsigned int *pending)
{
    CHECK(card);
    *current = *pending = (unsigned int)card->mig;
    return card->mig == FEATURE_MISSING ? NOT_SUPPORTED : SUCCESS;
}
int nvmlDeviceGetPersistenceMode(Device card, int *mode)
{
    CHECK(card);
    *mode = card->persistence;
    return SUCCESS;
}
int nvmlDeviceGetEnforcedPowerLimit(Device card, unsigned int *limit)
{
    CHECK(card);
    *limit = card->power_limit;
    return card->power_limit ? SUCCESS : NOT_SUPPORTED;
}
int nvmlDeviceGetPowerManagementLimit(Device card, unsigned int *limit)
{
    return nvmlDeviceGetEnforcedPowerLimit(card, limit);
}

/* MIG: the mode is described, slices are not */
int nvmlDeviceIsMigDeviceHandle(Device card, unsigned int *is)
{
    CHECK(card);
    *is = 0;
    return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(Device card, unsigned int *count)
{
    CHECK(card);
    *count = 0;
    return SUCCESS;
}

/* Who uses a card */
static int processes(Device card, int graphics, unsigned int *count, ProcessInfo *to)
{
    unsigned int found = 0, room = to ? *count : 0;
    CHECK(card);
    for (unsigned int i = 0; i < PROCESS_COUNT; i++)
        if (&CARDS[PROCESSES[i].card] == card && PROCESSES[i].graphics == graphics && found++ < room)
            to[found - 1] = (ProcessInfo){PROCESSES[i].pid, PROCESSES[i].bytes, NO_INSTANCE, NO_INSTANCE};
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device card, unsigned int *count, ProcessInfo *to)
{
    return processes(card, 0, count, to);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(Device card, unsigned int *count, ProcessInfo *to)
{
    return processes(card, 1, count, to);
}
int nvmlDeviceGetMPSComputeRunningProcesses_v3(Device card, unsigned int *count, ProcessInfo *to)
{
    (void)to;
    CHECK(card);
    *count = 0;
    return SUCCESS;
}

/* Events: what is added to the log */
int nvmlDeviceGetSupportedEventTypes(Device card, unsigned long long *types)
{
    CHECK(card);
    *types = EVENTS_SUPPORTED;
    return SUCCESS;
}

int nvmlEventSetCreate(EventSet *set)
{
    FILE *events = host_file("dev/kmsg");
    if (!users)
        return UNINITIALIZED;
    *set = calloc(1, sizeof **set);
    if (events) { /* what happened before is no event for whoever starts to listen now */
        fseek(events, 0, SEEK_END);
        (*set)->offset = ftell(events);
        fclose(events);
    }
    return SUCCESS;
}
int nvmlDeviceRegisterEvents(Device card, unsigned long long types, EventSet set)
{
    CHECK(card);
    set->wanted[card - CARDS] |= types;
    return types & ~(unsigned long long)EVENTS_SUPPORTED ? NOT_SUPPORTED : SUCCESS;
}
int nvmlEventSetFree(EventSet set)
{
    free(set);
    return SUCCESS;
}

/* Reads one whole new line; half a line is one that is still being written. */
static int next_event(EventSet set, Event *event)
{
    char line[LINE];
    unsigned int index, xid;
    int found = 0;
    FILE *events = host_file("dev/kmsg");
    if (!events)
        return 0;
    fseek(events, 0, SEEK_END);
    if (ftell(events) < set->offset)
        set->offset = 0;
    fseek(events, set->offset, SEEK_SET);
    while (!found && fgets(line, sizeof line, events) && strchr(line, '\n')) {
        set->offset = ftell(events);
        found = is_fault(line, &index, &xid) && set->wanted[index] & EVENT_XID;
    }
    fclose(events);
    if (found)
        *event = (Event){&CARDS[index], EVENT_XID, xid, NO_INSTANCE, NO_INSTANCE};
    return found;
}

int nvmlEventSetWait_v2(EventSet set, Event *event, unsigned int timeout_ms)
{
    if (!users)
        return UNINITIALIZED;
    for (unsigned long long waited = 0;; waited += POLL_US) {
        if (next_event(set, event))
            return SUCCESS;
        if (waited >= timeout_ms * 1000ull)
            return TIMEOUT;
        usleep(POLL_US);
    }
}
int nvmlEventSetWait(EventSet set, Event *event, unsigned int timeout_ms)
{
    return nvmlEventSetWait_v2(set, event, timeout_ms);
}

/* Asked by callers that look a symbol up before they know whether a card has the feature */
#define UNSUPPORTED(name) int name(void) { return users ? NOT_SUPPORTED : UNINITIALIZED; }
UNSUPPORTED(nvmlDeviceGetSerial)
UNSUPPORTED(nvmlDeviceGetBrand)
UNSUPPORTED(nvmlDeviceGetArchitecture)
UNSUPPORTED(nvmlDeviceGetAttributes)
UNSUPPORTED(nvmlDeviceGetAttributes_v2)
UNSUPPORTED(nvmlDeviceGetAddressingMode)
UNSUPPORTED(nvmlDeviceGetTopologyCommonAncestor)
UNSUPPORTED(nvmlDeviceGetNvLinkState)
UNSUPPORTED(nvmlDeviceGetNvLinkRemotePciInfo_v2)
UNSUPPORTED(nvmlDeviceGetGpuFabricInfo)
UNSUPPORTED(nvmlDeviceGetGpuFabricInfoV)
UNSUPPORTED(nvmlDeviceGetGpuInstanceProfileInfo)
UNSUPPORTED(nvmlDeviceGetGpuInstanceId)
UNSUPPORTED(nvmlDeviceGetComputeInstanceId)
UNSUPPORTED(nvmlDeviceGetMigDeviceHandleByIndex)
UNSUPPORTED(nvmlDeviceGetDeviceHandleFromMigDeviceHandle)
UNSUPPORTED(nvmlDeviceGetVirtualizationMode)
UNSUPPORTED(nvmlDeviceGetTemperature)
UNSUPPORTED(nvmlDeviceGetUtilizationRates)
UNSUPPORTED(nvmlDeviceGetPowerUsage)
